/** The sheet in which staff book or hold a slot for a caller. Rules in the way are named first. */

import { button } from "../../ui/button";
import type { Hold, Slot } from "../../client";
import { closeOnBackdrop, openOnce, sheet } from "../../ui/dialog/dialog";
import { h, setText } from "../../ui/dom";
import { Problem } from "../../ui/field";
import { countdownText, dayKey, dayTitle, timeText } from "../../ui/time";
import type { StaffContext } from "../staff_context";
import { CallerForm } from "./caller_form";
import { overText, rulesAgainst, ruleText, withOverride } from "./override";
import { adviceFor, isolated, texts } from "../texts";

const TICK_MS = 500;

/** The holds that staff have taken on this page, by slot. A closed sheet keeps its hold. */
const holds = new Map<string, Hold>();

export function bookForCaller(context: StaffContext, slot: Slot): void {
  new BookSheet(context, slot).open();
}

class BookSheet {
  readonly #context: StaffContext;
  readonly #slot: Slot;
  readonly #form: CallerForm;
  readonly #rules = h("ul", { class: "rules", "aria-label": texts.take.rules, hidden: true });
  readonly #timer = h("p", { class: "preview", role: "status" });
  readonly #problem = new Problem();
  readonly #submit = button(texts.agenda.book, undefined, { type: "submit", kind: "primary wide" });
  readonly #keep = button(texts.take.hold, () => void this.#try(() => this.#hold()), { kind: "" });
  readonly #letGo = button(texts.take.letGo, () => void this.#try(() => this.#release()), {
    kind: "quiet",
  });
  readonly #dialog: HTMLDialogElement;

  constructor(context: StaffContext, slot: Slot) {
    this.#context = context;
    this.#slot = slot;
    this.#form = new CallerForm(null, 1, slot.capacity > 1);
    const { locale } = context;
    const [zone, at] = [context.zone(), Date.parse(slot.start)];
    const day = dayTitle(dayKey(at, zone), dayKey(context.now(), zone), locale);
    const until = timeText(Date.parse(slot.end), zone, locale);
    this.#dialog = sheet(
      { id: "book-title", title: `${timeText(at, zone, locale)} – ${until}` },
      h("p", { class: "sheet-text" }, day),
      this.#rules,
      h(
        "form",
        { class: "form", method: "dialog", onsubmit: (event) => this.#onSubmit(event) },
        ...this.#form.elements,
        this.#timer,
        this.#problem.element,
        h(
          "div",
          { class: "actions" },
          this.#submit,
          this.#keep,
          this.#letGo,
          button(texts.sheet.close, () => this.#dialog.close(), { kind: "quiet" }),
        ),
      ),
    );
    closeOnBackdrop(this.#dialog);
  }

  open(): void {
    openOnce(this.#context.root, this.#dialog);
    const timer = setInterval(() => this.#tick(), TICK_MS);
    this.#dialog.addEventListener("close", () => clearInterval(timer));
    this.#tick();
    this.#form.focus();
    void this.#explain();
  }

  get #held(): Hold | undefined {
    const hold = holds.get(this.#slot.id);
    if (hold === undefined || Date.parse(hold.expires_at) > this.#context.now()) return hold;
    holds.delete(this.#slot.id);
    return undefined;
  }

  #tick(): void {
    const hold = this.#held;
    const left = hold && countdownText(Date.parse(hold.expires_at) - this.#context.now());
    setText(this.#timer, left === undefined ? "" : texts.take.held(left));
    this.#keep.hidden = hold !== undefined;
    this.#letGo.hidden = hold === undefined;
  }

  /** Names the rules in the way before staff type a name. */
  async #explain(): Promise<void> {
    const calendar = this.#context.calendar();
    if (calendar === undefined || this.#held !== undefined) return;
    const rules = await rulesAgainst(calendar, this.#slot.id).catch(() => []);
    this.#rules.replaceChildren(...rules.map((rule) => h("li", {}, ruleText(rule))));
    this.#rules.hidden = rules.length === 0;
  }

  #onSubmit(event: Event): void {
    event.preventDefault();
    if (this.#form.customer.name === "") this.#problem.show(texts.take.noName);
    else void this.#try(() => this.#book());
  }

  async #book(): Promise<void> {
    const { root, toasts } = this.#context;
    const calendar = this.#context.calendar();
    if (calendar === undefined) return;
    const { customer, seats } = this.#form;
    const hold = this.#held;
    const fields = { customer, seats, ...(hold && { hold }) };
    const question = { title: texts.take.bookTitle, yes: texts.take.bookYes };
    const answer = await withOverride(root, calendar, this.#slot.id, question, (options) =>
      calendar.bookFor(this.#slot.id, { ...fields, ...options }),
    );
    if (answer === undefined) return;
    holds.delete(this.#slot.id);
    this.#dialog.close();
    toasts.say(texts.take.booked(isolated(customer.name), overText(answer.overridden)), "good");
  }

  async #hold(): Promise<void> {
    const { root } = this.#context;
    const calendar = this.#context.calendar();
    if (calendar === undefined) return;
    const { seats } = this.#form;
    const question = { title: texts.take.holdTitle, yes: texts.take.holdYes };
    const answer = await withOverride(root, calendar, this.#slot.id, question, (options) =>
      calendar.holdFor(this.#slot.id, { seats, ...options }),
    );
    if (answer === undefined) return;
    holds.set(this.#slot.id, answer.hold);
    this.#context.toasts.say(texts.take.onHold(overText(answer.overridden)));
    this.#tick();
  }

  async #release(): Promise<void> {
    const hold = this.#held;
    if (hold !== undefined) await this.#context.calendar()?.release(hold);
    holds.delete(this.#slot.id);
    this.#tick();
  }

  async #try(work: () => Promise<void>): Promise<void> {
    this.#problem.show("");
    this.#working(true);
    try {
      await work();
    } catch (error) {
      this.#problem.show(adviceFor(error));
    } finally {
      this.#working(false);
    }
  }

  #working(is: boolean): void {
    for (const one of [this.#submit, this.#keep, this.#letGo]) one.disabled = is;
  }
}
