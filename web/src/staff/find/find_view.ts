/** The search over all bookings, past and far ahead: a form, and the list of what it finds. */

import { button } from "../../ui/button";
import type { BookingSearch, CalendarInfo, ListedBooking } from "../../client";
import { saveFile } from "../../booking/save_file";
import { h, setText } from "../../ui/dom";
import { checkbox, field, Problem } from "../../ui/field";
import { writeQuery } from "../../ui/query";
import { dayKey, dayTitle, isZone, timeText } from "../../ui/time";
import type { StaffContext } from "../staff_context";
import { toCsv, toJson } from "./export";
import { type FindQuery, queryOf, readFind, searchOf, STATUSES } from "./find_query";
import { adviceFor, texts } from "../texts";

const TYPING_MS = 300;
const REFRESH_MS = 500;
const PAGE = 100;
/** The most bookings of a file. */
const MOST_EXPORTED = 50_000;

export interface FindActions {
  /** The address of a booking on this page. */
  href(booking: ListedBooking): string;
  open(booking: ListedBooking): void;
  info(calendar: string): CalendarInfo | undefined;
}

export class FindView {
  readonly element = h("div", { class: "find" });
  readonly #context: StaffContext;
  readonly #actions: FindActions;
  readonly #q = h("input", {
    type: "search",
    name: "q",
    maxlength: 200,
    placeholder: texts.find.placeholder,
    autocomplete: "off",
  });
  readonly #status = h(
    "select",
    { name: "status" },
    h("option", { value: "" }, texts.find.any),
    ...STATUSES.map((value) => h("option", { value }, texts.agenda[value])),
  );
  readonly #from = h("input", { type: "date", name: "from" });
  readonly #to = h("input", { type: "date", name: "to" });
  readonly #everywhere = h("input", { type: "checkbox", name: "everywhere" });
  readonly #count = h("p", { class: "find-count", role: "status" });
  readonly #list = h("ul", { class: "rows found", "aria-label": texts.find.list });
  readonly #more = button(texts.find.more, () => void this.#load(this.#page), { kind: "small" });
  readonly #problem = new Problem();
  #page: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #refreshing: ReturnType<typeof setTimeout> | undefined;
  #run = 0;

  constructor(context: StaffContext, actions: FindActions) {
    this.#context = context;
    this.#actions = actions;
    this.#build();
  }

  #build(): void {
    const form = h(
      "form",
      { class: "find-form", role: "search", onsubmit: (event) => event.preventDefault() },
      field(texts.find.search, this.#q),
      field(texts.find.status, this.#status),
      field(texts.find.from, this.#from),
      field(texts.find.to, this.#to),
    );
    form.addEventListener("input", () => this.#plan());
    this.#everywhere.addEventListener("change", () => this.#plan());
    this.#more.hidden = true;
    this.element.append(
      form,
      h(
        "div",
        { class: "find-line" },
        checkbox(this.#everywhere, texts.find.everywhere),
        this.#count,
        h("p", { class: "find-order" }, texts.find.order),
        h(
          "span",
          { class: "actions" },
          button("CSV", () => void this.#export("csv"), { kind: "small", label: texts.find.csv }),
          button("JSON", () => void this.#export("json"), {
            kind: "small",
            label: texts.find.json,
          }),
          button(texts.days.print, () => print(), { kind: "small" }),
        ),
      ),
      this.#problem.element,
      this.#list,
      this.#more,
    );
  }

  /** Reads the filters of the address, and searches. */
  show(): void {
    const find = readFind(location.search);
    this.#q.value = find.q;
    this.#status.value = find.status;
    this.#from.value = find.from;
    this.#to.value = find.to;
    this.#everywhere.checked = find.isEverywhere;
    void this.#load();
  }

  /** Searches again soon after a change, while the first page is all that is shown. */
  refresh(): void {
    if (!this.element.isConnected || this.#list.childElementCount > PAGE) return;
    clearTimeout(this.#refreshing);
    this.#refreshing = setTimeout(() => void this.#load(), REFRESH_MS);
  }

  focus(): void {
    this.#q.focus();
    this.#q.select();
  }

  get #query(): FindQuery {
    return {
      q: this.#q.value,
      status: this.#status.value,
      from: this.#from.value,
      to: this.#to.value,
      isEverywhere: this.#everywhere.checked,
    };
  }

  #plan(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      writeQuery(queryOf(this.#query));
      void this.#load();
    }, TYPING_MS);
  }

  get #search(): BookingSearch {
    return searchOf(this.#query, this.#context.calendar()?.id ?? "", this.#context.zone());
  }

  /** Reads a page and appends it; the first page replaces the list. An older read is dropped. */
  async #load(page?: string): Promise<void> {
    this.#run += 1;
    const run = this.#run;
    this.#problem.show("");
    this.#list.setAttribute("aria-busy", "true");
    try {
      const search = { ...this.#search, limit: PAGE, ...(page && { page }) };
      const answer = await this.#context.client.findBookings(search);
      if (run !== this.#run) return;
      const rows = answer.bookings.map((booking) => this.#row(booking));
      if (page === undefined) this.#list.replaceChildren(...rows);
      else this.#list.append(...rows);
      this.#page = answer.next_page;
      this.#more.hidden = this.#page === undefined;
      const count = this.#list.childElementCount;
      const text = this.#page === undefined ? texts.find.count : texts.find.countOrMore;
      setText(this.#count, text(count));
      this.element.dataset.count = String(count);
    } catch (error) {
      if (run === this.#run) this.#problem.show(adviceFor(error));
    } finally {
      if (run === this.#run) this.#list.removeAttribute("aria-busy");
    }
  }

  #row(booking: ListedBooking): HTMLElement {
    const { calendar, customer, start, status, seats } = booking;
    const info = this.#actions.info(calendar);
    const zone = info !== undefined && isZone(info.zone) ? info.zone : this.#context.zone();
    const { locale } = this.#context;
    const at = Date.parse(start);
    const day = dayTitle(dayKey(at, zone), dayKey(this.#context.now(), zone), locale);
    const contact = [customer?.email, customer?.phone, customer?.note].filter(Boolean).join(" · ");
    const link = h(
      "a",
      { class: "found-link", href: this.#actions.href(booking) },
      h("span", { class: "found-when" }, `${day}, ${timeText(at, zone, locale)}`),
      h(
        "span",
        { class: "found-who" },
        h("strong", {}, customer?.name ?? texts.agenda.erased),
        seats > 1 && ` · ${texts.agenda.places(seats)}`,
        contact !== "" && h("small", {}, contact),
      ),
      this.#everywhere.checked && h("span", { class: "found-where" }, info?.name ?? calendar),
      h("span", { class: "tag" }, texts.agenda[status]),
    );
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.#actions.open(booking);
    });
    const item = h("li", { class: "row" }, link);
    item.dataset.booking = booking.id;
    item.dataset.state = status;
    return item;
  }

  async #export(kind: "csv" | "json"): Promise<void> {
    await this.#context.run(async () => {
      const found: ListedBooking[] = [];
      let page: string | undefined;
      do {
        const search = { ...this.#search, limit: 500, ...(page && { page }) };
        const answer = await this.#context.client.findBookings(search);
        found.push(...answer.bookings);
        page = answer.next_page;
      } while (page !== undefined && found.length < MOST_EXPORTED);
      const [type, text] =
        kind === "csv" ? ["text/csv", toCsv(found)] : ["application/json", toJson(found)];
      saveFile(this.#context.root, `bookings.${kind}`, type, text);
      const told = page === undefined ? texts.find.exported : texts.find.exportedLatest;
      this.#context.toasts.say(told(found.length), "good");
    });
  }
}
