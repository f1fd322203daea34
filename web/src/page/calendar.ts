/** `/c/<calendar>`: the booking page. */

import "../style/tokens.css";
import "../style/base.css";
import "../style/layout.css";
import "../ui/control.css";
import "../ui/feedback/status_pill.css";
import "../ui/dialog/dialog.css";
import "../ui/feedback/toast.css";
import "../booking/booking.css";
import "../booking/booking_form.css";
import "../booking/board/board.css";
import "../booking/board/slot.css";
import "../booking/own/own_panel.css";
import { connect } from "../client";
import { BookingView } from "../booking/booking_view";
import { forgetToken, onLink, takeProof, takeToken } from "../address/token";
import { exposeChosen } from "./hook";

const root = document.querySelector("main") as HTMLElement;
const id = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const tokenName = `calendar.${id}`;
const expose = exposeChosen();
const place = { root, stateRoot: document.documentElement, home: location.origin };
let shown: BookingView | undefined;

function open(token: string | undefined): void {
  const client = connect(location.origin, token === undefined ? {} : { token });
  const view = new BookingView(client, id, place);
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
    open(undefined);
  });
}

function invite(): void {
  const proof = takeProof();
  if (proof !== undefined) shown?.invite(proof);
}

open(takeToken(tokenName));
invite();
onLink(invite);
