/** The strip with the requests that wait for an answer, first on the page and counted in its title. */

import { button } from "../../ui/button";
import { menuButton, type MenuItem } from "../../ui/menu";
import type { CalendarInfo } from "../../client";
import { h, setText } from "../../ui/dom";
import { dayKey, dayTitle, isZone, nearness, timeText } from "../../ui/time";
import type { StaffContext } from "../staff_context";
import { type AlertKind, isAlertOn, setAlert, tell } from "./alert";
import { Inbox, type WaitingBooking } from "./inbox";
import { texts } from "../texts";

const REFRESH_MS = 15_000;
/** The requests shown before "Show all". */
const FEW = 3;

export interface InboxActions {
  /** Shows a booking in its calendar. */
  open(booking: WaitingBooking): void;
  info(calendar: string): CalendarInfo | undefined;
}

export class InboxView {
  readonly element = h("section", {
    class: "inbox",
    "aria-label": texts.inbox.title,
    hidden: true,
  });
  readonly #context: StaffContext;
  readonly #actions: InboxActions;
  readonly #count = h("h2", { class: "inbox-title" });
  readonly #list = h("ul", { class: "inbox-list" });
  readonly #all = button("", () => this.#toggle(), { kind: "small quiet" });
  readonly #inbox: Inbox;
  #isWhole = false;
  #drawn = "";

  constructor(context: StaffContext, actions: InboxActions) {
    this.#context = context;
    this.#actions = actions;
    const { client } = context;
    this.#inbox = new Inbox({
      find: (search) => client.findBookings(search),
      now: () => context.now(),
      changed: (fresh) => {
        this.#tell(fresh);
        context.changed();
      },
    });
    this.element.append(
      h(
        "div",
        { class: "inbox-head" },
        this.#count,
        this.#all,
        menuButton("⋯", texts.inbox.alerts, () => [alertItem("sound"), alertItem("notification")]),
      ),
      this.#list,
    );
    const refresh = () => void this.#inbox.refresh().catch(() => {});
    setInterval(refresh, REFRESH_MS);
    client.onStatus(({ state }) => state === "live" && refresh());
    refresh();
  }

  get count(): number {
    return this.#inbox.waiting.length;
  }

  take: Inbox["take"] = (bookings) => this.#inbox.take(bookings);

  draw(): void {
    const { waiting } = this.#inbox;
    const few = matchMedia("(max-width: 640px)").matches ? 1 : FEW;
    const shown = this.#isWhole ? waiting : waiting.slice(0, few);
    this.element.hidden = waiting.length === 0;
    this.#all.hidden = waiting.length <= few;
    setText(this.#all, this.#isWhole ? texts.inbox.fewer : texts.inbox.all(waiting.length));
    setText(this.#count, texts.inbox.waiting(waiting.length));
    const drawn = shown.map((one) => `${one.id}:${one.version}:${this.#when(one)}`).join();
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#list.replaceChildren(...shown.map((booking) => this.#item(booking)));
  }

  #item(booking: WaitingBooking): HTMLElement {
    const { client } = this.#context;
    const name = booking.customer?.name ?? texts.agenda.erased;
    const answer = (verb: "booking.confirm" | "booking.reject") =>
      void this.#context.run(async () => {
        await client.mutate(verb, { booking: booking.id });
        this.#inbox.take([{ ...booking, status: "confirmed" }]);
        await this.#inbox.refresh();
        if (verb === "booking.confirm") return;
        this.#context.toasts.say(texts.step.rejected(name), "calm", () => {
          void this.#context.run(async () => {
            await client.mutate("booking.reinstate", { booking: booking.id });
          });
        });
      });
    const item = h(
      "li",
      { class: "inbox-item" },
      h(
        "button",
        { type: "button", class: "inbox-open", onclick: () => this.#actions.open(booking) },
        h("strong", {}, name),
        booking.seats > 1 && h("span", {}, texts.agenda.places(booking.seats)),
        h("span", { class: "inbox-when" }, this.#when(booking)),
      ),
      h(
        "span",
        { class: "actions" },
        button(texts.agenda.confirm, () => answer("booking.confirm"), {
          kind: "small primary",
          label: texts.inbox.confirm(name),
        }),
        button(texts.agenda.reject, () => answer("booking.reject"), {
          kind: "small",
          label: texts.inbox.reject(name),
        }),
      ),
    );
    item.dataset.request = booking.id;
    return item;
  }

  #when({ calendar, start }: WaitingBooking): string {
    const info = this.#actions.info(calendar);
    const { locale } = this.#context;
    const zone = info !== undefined && isZone(info.zone) ? info.zone : this.#context.zone();
    const [at, today] = [Date.parse(start), dayKey(this.#context.now(), zone)];
    const day =
      nearness(dayKey(at, zone), today, locale.texts) || dayTitle(dayKey(at, zone), today, locale);
    return `${info?.name ?? calendar} · ${day}, ${timeText(at, zone, locale)}`;
  }

  #toggle(): void {
    this.#isWhole = !this.#isWhole;
    this.#context.changed();
  }

  #tell(fresh: readonly WaitingBooking[]): void {
    const [first] = fresh;
    if (first === undefined) return;
    const more = fresh.length > 1 ? texts.inbox.andMore(fresh.length - 1) : "";
    tell(texts.inbox.waits, `${this.#when(first)}${more}`);
  }
}

function alertItem(kind: AlertKind): MenuItem {
  const isOn = isAlertOn(kind);
  const { sound, noSound, notification, noNotification } = texts.inbox;
  const [on, off] = kind === "sound" ? [sound, noSound] : [notification, noNotification];
  return {
    text: isOn ? off : on,
    onclick: () => void setAlert(kind, !isOn),
  };
}
