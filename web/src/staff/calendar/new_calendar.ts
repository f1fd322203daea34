/** Asks staff for a new calendar's name, address and zone. */

import { button } from "../../ui/button";
import { openOnce, sheet } from "../../ui/dialog/dialog";
import { checkbox, field, Problem } from "../../ui/field";
import type { Fields } from "../../client";
import { h } from "../../ui/dom";
import { isZone, visitorZone } from "../../ui/time";
import { zoneField } from "../settings/zone_field";
import { adviceFor, texts } from "../texts";

/** `Harbour Studio` becomes `harbour-studio`. */
export function slugOf(name: string): string {
  return name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 63);
}

/** The controls of the form. The address follows the name until staff type one. */
function makeControls() {
  const name = h("input", { required: true, maxlength: 200, autocomplete: "off" });
  const id = h("input", {
    required: true,
    pattern: "[a-z0-9][a-z0-9\\-]{0,62}",
    autocomplete: "off",
    spellcheck: "false",
  });
  const { input: zone, element: zoneElement } = zoneField(visitorZone());
  const isPrivate = h("input", { type: "checkbox" });
  let isTyped = false;
  name.addEventListener("input", () => {
    if (!isTyped) id.value = slugOf(name.value);
  });
  id.addEventListener("input", () => {
    isTyped = true;
  });
  return { name, id, zone, zoneElement, isPrivate };
}

export function askForCalendar(root: HTMLElement, create: (fields: Fields) => Promise<void>): void {
  const { name, id, zone, zoneElement, isPrivate } = makeControls();
  const problem = new Problem();
  const submit = button(texts.calendar.make, undefined, { type: "submit", kind: "primary wide" });
  const onsubmit = async (event: Event) => {
    event.preventDefault();
    if (!isZone(zone.value)) return problem.show(texts.settings.noZone);
    submit.disabled = true;
    try {
      const visibility = isPrivate.checked ? "private" : "public";
      await create({ id: id.value, name: name.value.trim(), zone: zone.value, visibility });
      dialog.close();
    } catch (error) {
      problem.show(adviceFor(error));
    } finally {
      submit.disabled = false;
    }
  };
  const cancel = button(texts.sheet.notNow, () => dialog.close(), { kind: "quiet" });
  const dialog = sheet(
    { id: "new-title", title: texts.calendar.newTitle },
    h(
      "form",
      { class: "form", onsubmit: (event) => void onsubmit(event) },
      field(texts.sheet.name, name),
      field(texts.calendar.address, id),
      zoneElement,
      checkbox(isPrivate, texts.calendar.isPrivate),
      problem.element,
      h("div", { class: "actions" }, submit, cancel),
    ),
  );
  openOnce(root, dialog);
}
