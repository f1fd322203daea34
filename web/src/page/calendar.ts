/** `/c/<calendar>`: the booking page. */

import "../style/tokens.css";
import "../style/base.css";
import "../style/layout.css";
import "../ui/control.css";
import "../ui/feedback/status_pill.css";
import "../ui/dialog/dialog.css";
import "../ui/feedback/toast.css";
import "../booking/booking.css";
import "../booking/form/booking_form.css";
import "../booking/month/month.css";
import "../booking/board/board.css";
import "../booking/board/slot.css";
import "../booking/own/own_panel.css";
import { connect } from "../client";
import { BookingView } from "../booking/booking_view";
import { forgetToken, onLink, takeProof, takeToken } from "../address/token";
import { h } from "../ui/dom";
import { addressWith, readQuery, writeQuery } from "../ui/query";
import { calendarOf, pageHome } from "../address/home";
import { exposeChosen } from "./hook";
import { pageLocale } from "./page_locale";

const root = document.querySelector("main") as HTMLElement;
const id = calendarOf(location.pathname);
const tokenName = `calendar.${id}`;
const expose = exposeChosen();
const place = { root, stateRoot: document.documentElement, home: pageHome() };
const locale = pageLocale();
const address = {
  day: readQuery("day"),
  slot: readQuery("slot") || undefined,
  linkTo: (day: string) => addressWith({ day, slot: undefined }),
  write: (day: string, slot?: string) => writeQuery({ day, slot }),
};
let shown: BookingView | undefined;

async function open(token: string | undefined): Promise<void> {
  const client = connect(pageHome(), token === undefined ? {} : { token });
  // The connection opens and the slots come while the language loads.
  void client.calendar(id).readAhead();
  const view = new BookingView(client, id, { ...place, locale: await locale, address });
  shown = view;
  view.calendar.subscribe(() => {
    const name = view.calendar.info?.name;
    if (name !== undefined) document.title = `${name} · Slotcast`;
  });
  expose(view.calendar);
  if (token === undefined) return;
  // An expired token still leaves the public view.
  client.onStatus(({ reason }) => {
    if (reason !== "refused") return;
    forgetToken(tokenName);
    view.close();
    client.close();
    void open(undefined);
  });
}

function invite(): void {
  const proof = takeProof();
  if (proof !== undefined) shown?.invite(proof);
}

await open(takeToken(tokenName));
const { texts } = await locale;
const skip = h("a", { class: "skip", href: "#times" }, texts.page.skip);
skip.addEventListener("click", (event) => {
  event.preventDefault();
  shown?.focusTimes();
});
document.body.prepend(skip);
invite();
onLink(invite);
