/** The sheet with the blocks of a calendar, and with those of all calendars for their owners. */

import type { StaffCalendar } from "../../client";
import type { Block, BlocksAnswer } from "../../client/wire.ts";
import { button } from "../../ui/button";
import { openOnce, sheet } from "../../ui/dialog/dialog";
import { h } from "../../ui/dom";
import { Problem } from "../../ui/field";
import { isOwner } from "../access/access_client";
import type { StaffContext } from "../staff_context";
import { adviceFor, locale, texts } from "../texts";
import { askForBlock } from "./block_form";

export function showBlocks(context: StaffContext, calendar: StaffCalendar): void {
  const { root, access } = context;
  const list = h("ul", { class: "access-list", "aria-label": texts.blocks.title });
  const none = h("p", { class: "sheet-text", hidden: true }, texts.blocks.none);
  const problem = new Problem();
  const load = async () => {
    const { session } = await access.session();
    const isOwnerOfAll = session !== null && isOwner(session.roles, true);
    const path = isOwnerOfAll ? "" : `?calendar=${encodeURIComponent(calendar.id)}`;
    const { blocks } = await access.ask<BlocksAnswer>("GET", `/blocks${path}`);
    const shown = blocks.filter((block) => ["*", calendar.id].includes(block.calendar));
    list.replaceChildren(...shown.map((block) => row(block, () => void remove(block))));
    none.hidden = shown.length > 0;
  };
  const attempt = async (work: () => Promise<unknown>) => {
    problem.show("");
    try {
      await work();
    } catch (error) {
      problem.show(adviceFor(error));
    }
  };
  const remove = (block: Block) =>
    attempt(async () => {
      await access.ask("DELETE", `/blocks/${encodeURIComponent(block.id)}`);
      await load();
    });
  const add = () => askForBlock(context, calendar, {}, load);
  const dialog = sheet(
    { id: "blocks-title", title: texts.blocks.title, kind: "broad", isForm: true },
    h("p", { class: "sheet-text" }, texts.blocks.text),
    list,
    none,
    problem.element,
    h(
      "div",
      { class: "actions" },
      button(texts.blocks.add, add, { kind: "primary" }),
      button(texts.sheet.done, () => dialog.close(), { kind: "quiet" }),
    ),
  );
  openOnce(root, dialog);
  void attempt(load);
}

function row(block: Block, remove: () => void): HTMLElement {
  const name = block.value ?? texts.blocks.erased;
  const label = texts.blocks.unblockOne(name);
  return h(
    "li",
    { class: "access-row" },
    h("span", {}, h("strong", {}, name), h("small", {}, tellsOf(block).join(" · "))),
    button(texts.blocks.unblock, remove, { kind: "small", label }),
  );
}

/** Returns what a row says of a block: its kind, its reason, its calendars, its maker and its end. */
function tellsOf(block: Block): readonly string[] {
  const { madeBy, made, noEnd, ends, allCalendars } = texts.access;
  const { kind, reason, calendar, made_by, made_at, expires_at } = block;
  return [
    texts.blocks.kinds[kind],
    reason,
    calendar === "*" ? allCalendars : "",
    made_by === "" ? made(dayText(made_at)) : madeBy(dayText(made_at), made_by),
    expires_at === null ? noEnd : ends(dayText(expires_at)),
  ].filter((part) => part !== "");
}

const dayText = (at: string): string =>
  new Date(at).toLocaleDateString(locale.language, { dateStyle: "medium" });
