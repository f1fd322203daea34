/** Asks staff for a new calendar's name, address and zone. */

import { checkbox, field } from "../../ui/field";
import type { Fields } from "../../client";
import { h } from "../../ui/dom";
import { isZone, visitorZone } from "../../ui/time";
import { zoneField } from "../settings/zone_field";
import { openFormSheet } from "../sheets/form_sheet";
import { texts } from "../texts";

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
  openFormSheet(root, {
    heading: { id: "new-title", title: texts.calendar.newTitle },
    fields: [
      field(texts.sheet.name, name),
      field(texts.calendar.address, id),
      zoneElement,
      checkbox(isPrivate, texts.calendar.isPrivate),
    ],
    yes: texts.calendar.make,
    save: async (dialog, problem) => {
      if (!isZone(zone.value)) return problem.show(texts.settings.noZone);
      const visibility = isPrivate.checked ? "private" : "public";
      await create({ id: id.value, name: name.value.trim(), zone: zone.value, visibility });
      dialog.close();
    },
  });
}
