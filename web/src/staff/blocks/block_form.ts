/** The form that blocks a customer or a network: from a booking, or from the list of blocks. */

import type { StaffBooking, StaffCalendar } from "../../client";
import type { Block } from "../../client/wire.ts";
import { h } from "../../ui/dom";
import { checkbox, field } from "../../ui/field";
import { isOwner } from "../access/access_client";
import { openForm } from "../access/password_sheet";
import type { StaffContext } from "../staff_context";
import { texts } from "../texts";

type BlockKind = Block["kind"];
type Values = Partial<Record<BlockKind, string>>;

const KINDS: readonly BlockKind[] = ["email", "phone", "address", "sub"];
const DAY_MS = 86_400_000;
const ENDS = [
  ["", "noEnd"],
  ["30", "month"],
  ["90", "quarter"],
  ["365", "year"],
] as const;

/** Returns the details of a booking's customer that can be blocked. */
export function blockable(booking: StaffBooking): Values {
  const { email, phone } = booking.customer ?? {};
  return { ...(email && { email }), ...(phone && { phone }) };
}

/** Asks for a block of one of the `known` values, or without any of a typed one. */
export function askForBlock(
  context: StaffContext,
  calendar: StaffCalendar,
  known: Values = {},
  done: () => Promise<void> = () => Promise.resolve(),
): void {
  const { root, access, toasts } = context;
  const offered = KINDS.filter((kind) => kind in known);
  const kinds = offered.length > 0 ? offered : KINDS;
  const kind = h(
    "select",
    { name: "kind", onchange: () => show() },
    ...kinds.map((one) => h("option", { value: one }, texts.blocks.kinds[one])),
  );
  const value = h("input", { name: "value", required: true, maxlength: 255, spellcheck: "false" });
  const hint = h("p", { class: "hint", hidden: true }, texts.blocks.network);
  const show = () => {
    value.value = known[kind.value as BlockKind] ?? "";
    hint.hidden = kind.value !== "address";
  };
  const reason = h("input", { name: "reason", maxlength: 200, autocomplete: "off" });
  const until = h(
    "select",
    { name: "until" },
    ...ENDS.map(([days, name]) =>
      h("option", { value: days }, name === "noEnd" ? texts.blocks.noEnd : texts.link[name]),
    ),
  );
  const isEverywhere = h("input", { type: "checkbox", name: "everywhere" });
  const everywhere = checkbox(isEverywhere, texts.blocks.everywhere);
  everywhere.hidden = true;
  void access.session().then(
    ({ session }) => (everywhere.hidden = session === null || !isOwner(session.roles, true)),
    () => undefined,
  );
  show();
  openForm(root, {
    id: "block-title",
    title: texts.blocks.add,
    submit: texts.blocks.block,
    fields: [
      field(texts.blocks.whom, kind),
      field(texts.blocks.value, value),
      hint,
      field(texts.blocks.reason, reason),
      field(texts.blocks.until, until),
      everywhere,
    ],
    send: async () => {
      const end = until.value === "" ? undefined : context.now() + Number(until.value) * DAY_MS;
      await access.ask("POST", "/blocks", {
        calendar: isEverywhere.checked ? "*" : calendar.id,
        kind: kind.value,
        value: value.value,
        reason: reason.value,
        ...(end !== undefined && { expires_at: new Date(end).toISOString() }),
      });
      toasts.say(texts.blocks.blocked, "good");
      await done();
    },
  });
}
