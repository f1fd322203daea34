/** The field for a time zone, which offers the names that the browser knows. */

import { h } from "../../ui/dom";
import { field } from "../../ui/field";
import { texts } from "../texts";

export function zoneField(value: string): { input: HTMLInputElement; element: HTMLElement } {
  const names = "supportedValuesOf" in Intl ? Intl.supportedValuesOf("timeZone") : [];
  const list = h("datalist", { id: "zones" }, ...names.map((name) => h("option", { value: name })));
  const input = h("input", {
    name: "zone",
    required: true,
    value,
    spellcheck: "false",
    list: "zones",
  });
  return { input, element: h("div", {}, field(texts.settings.zone, input), list) };
}
