/** The sheet with a calendar's name, zone, rights and policy, each field with its explanation. */

import type { CalendarInfo, Policy, Question, StaffCalendar } from "../../client";
import { SlotcastError } from "../../client";
import { ask } from "../../ui/dialog/confirm";
import { h } from "../../ui/dom";
import { field, type Problem } from "../../ui/field";
import { isZone } from "../../ui/time";
import { openFormSheet } from "../sheets/form_sheet";
import type { StaffContext } from "../staff_context";
import { AmountField } from "./duration_field";
import { questionField } from "./question_field";
import { type PolicyField, policyFields } from "./policy_fields";
import { zoneField } from "./zone_field";
import { adviceFor, texts } from "../texts";

type Value = string | number | null | readonly Question[];
type Edit = Parameters<StaffCalendar["edit"]>[0];

interface Control {
  readonly element: HTMLElement;
  read(): Value;
}

export function showSettings(context: StaffContext): void {
  const calendar = context.calendar();
  const info = calendar?.info;
  if (calendar === undefined || info === undefined) return;
  const name = h("input", { name: "name", required: true, maxlength: 200, value: info.name });
  const { input: zone, element: zoneElement } = zoneField(info.zone);
  const visibility = select("visibility", info.visibility, [
    ["public", texts.settings.everyoneSees],
    ["private", texts.settings.linkSees],
  ]);
  const booking = select("booking", info.booking, [
    ["anyone", texts.settings.everyoneBooks],
    ["token", texts.settings.linkBooks],
  ]);
  const policy = new Map(policyFields().map((one) => [one.name, controlOf(one, info.policy)]));
  const save = async (dialog: HTMLDialogElement, problem: Problem) => {
    if (!isZone(zone.value)) return problem.show(texts.settings.noZone);
    const wanted = {
      name: name.value.trim(),
      zone: zone.value.trim(),
      visibility: visibility.value,
      booking: booking.value,
    };
    const rules = Object.fromEntries([...policy].map(([key, { read }]) => [key, read()]));
    const [edit, before] = changes(info, wanted, rules);
    if (Object.keys(edit).length > 0) await calendar.edit(edit);
    dialog.close();
    if (Object.keys(edit).length === 0) return;
    context.toasts.say(texts.settings.saved, "good", () => {
      void context.run(() => calendar.edit(before));
    });
  };
  openFormSheet(context.root, {
    heading: { id: "settings-title", title: texts.settings.title, kind: "broad" },
    fields: [
      h("div", { class: "pair even" }, field(texts.sheet.name, name), zoneElement),
      h(
        "div",
        { class: "pair even" },
        field(texts.settings.visibility, visibility),
        field(texts.settings.booking, booking),
      ),
      h("div", { class: "policy" }, ...[...policy.values()].map(({ element }) => element)),
    ],
    yes: texts.sheet.save,
    isPinned: true,
    advice: (error) =>
      error instanceof SlotcastError && error.code === "bad_request"
        ? error.message
        : adviceFor(error),
    save,
  });
}

type Choices = readonly (readonly [value: string, text: string])[];

function select(name: string, value: string, choices: Choices, label?: string): HTMLSelectElement {
  const made = h(
    "select",
    { name, "aria-label": label },
    ...choices.map(([one, text]) => h("option", { value: one }, text)),
  );
  made.value = value;
  return made;
}

function controlOf(one: PolicyField, policy: Policy): Control {
  const { name, label, hint, kind, none, choices = [], min = 0 } = one;
  const value = policy[name] as Value;
  const row = (control: HTMLElement) =>
    h(
      "div",
      { class: "policy-row field" },
      h("span", { class: "policy-text" }, label, h("small", {}, hint)),
      control,
    );
  if (kind === "choice") {
    const control = select(name, String(value), choices, label);
    return { element: row(control), read: () => control.value };
  }
  if (kind === "line") {
    const control = h("input", { name, maxlength: 200, "aria-label": label });
    control.value = String(value ?? "");
    return { element: row(control), read: () => control.value.trim() || null };
  }
  if (kind === "questions") {
    const list = questionField(value as readonly Question[], label);
    const element = row(list.element);
    element.classList.add("stacked");
    return { element, read: () => list.value };
  }
  const isDuration = kind === "duration";
  const amount = new AmountField({
    ...{ name, label, none, min, isDuration },
    value: value as number | null,
  });
  return { element: row(amount.controls), read: () => amount.value };
}

/** Returns the changed members, and the same members as they were. */
function changes(
  info: CalendarInfo,
  wanted: Readonly<Record<string, Value>>,
  rules: Readonly<Record<string, Value>>,
): readonly [Edit, Edit] {
  const differing = (now: object, then: Readonly<Record<string, Value>>) =>
    Object.keys(then).filter(
      (key) => JSON.stringify((now as Record<string, unknown>)[key]) !== JSON.stringify(then[key]),
    );
  const pick = (from: object, keys: readonly string[]) =>
    Object.fromEntries(keys.map((key) => [key, (from as Record<string, unknown>)[key]]));
  const [top, deep] = [differing(info, wanted), differing(info.policy, rules)];
  const edit = (from: object, policy: object) =>
    ({
      ...pick(from, top),
      ...(deep.length > 0 && { policy: pick(policy, deep) }),
    }) as unknown as Edit;
  return [edit(wanted, rules), edit(info, info.policy)];
}

/** Archives the calendar after a question, or brings it back. */
export async function archive(context: StaffContext): Promise<void> {
  await context.attempt(async (calendar) => {
    const restore = () => void context.run(() => calendar.restore());
    if (calendar.info?.archived) {
      await calendar.restore();
      return context.toasts.say(texts.settings.back, "good");
    }
    const isMeant = await ask(context.root, {
      title: texts.settings.archiveTitle,
      text: texts.settings.archiveText,
      yes: texts.settings.archiveYes,
      no: texts.sheet.keep,
      isGrave: true,
    });
    if (!isMeant) return;
    await calendar.archive();
    context.toasts.say(texts.settings.archived, "calm", restore);
  });
}
