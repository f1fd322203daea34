/** Asks staff for a new calendar's name, address and zone. */

import type { Fields } from "../client";
import { adviceFor } from "../ui/advice";
import { h, setText } from "../ui/dom";
import { isZone, visitorZone } from "../ui/time";

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

export function askForCalendar(root: HTMLElement, create: (fields: Fields) => Promise<void>): void {
  const name = h("input", { required: true, maxlength: 200, autocomplete: "off" });
  const id = h("input", {
    required: true,
    pattern: "[a-z0-9][a-z0-9\\-]{0,62}",
    autocomplete: "off",
    spellcheck: "false",
  });
  const zone = h("input", { required: true, value: visitorZone(), spellcheck: "false" });
  const isPrivate = h("input", { type: "checkbox" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const submit = h("button", { type: "submit", class: "button primary wide" }, "Make it");
  let isTyped = false;
  name.addEventListener("input", () => {
    if (!isTyped) id.value = slugOf(name.value);
  });
  id.addEventListener("input", () => {
    isTyped = true;
  });
  const fail = (text: string) => {
    setText(problem, text);
    problem.hidden = text === "";
  };
  const onsubmit = async (event: Event) => {
    event.preventDefault();
    if (!isZone(zone.value)) return fail("That is not a time zone, like Europe/Berlin.");
    submit.disabled = true;
    try {
      const visibility = isPrivate.checked ? "private" : "public";
      await create({ id: id.value, name: name.value.trim(), zone: zone.value, visibility });
      dialog.close();
    } catch (error) {
      fail(adviceFor(error));
    } finally {
      submit.disabled = false;
    }
  };
  const field = (label: string, control: HTMLElement) =>
    h("label", { class: "field" }, h("span", { class: "field-label" }, label), control);
  const cancel = h("button", { type: "button", class: "button quiet" }, "Not now");
  const dialog = h(
    "dialog",
    { class: "sheet", "aria-labelledby": "new-title" },
    h(
      "div",
      { class: "sheet-body" },
      h("h2", { class: "sheet-title", id: "new-title" }, "New calendar"),
      h(
        "form",
        { class: "form", onsubmit: (event) => void onsubmit(event) },
        field("Name", name),
        field("Address, after /c/", id),
        field("Time zone", zone),
        h("label", { class: "only" }, isPrivate, "Only for people with a private link"),
        problem,
        h("div", { class: "actions" }, submit, cancel),
      ),
    ),
  );
  cancel.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  root.append(dialog);
  dialog.showModal();
}
