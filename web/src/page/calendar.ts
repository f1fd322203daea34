/** `/c/<calendar>`: the booking page. */

import "../style/base.css";
import "../style/booking.css";
import "../style/sheet.css";
import { connect } from "../client";
import { BookingView } from "../view/booking_view";
import { takeToken } from "../view/token";
import { expose } from "./hook";

const root = document.querySelector("main") as HTMLElement;
const id = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const token = takeToken(`calendar.${id}`);
const client = connect(location.origin, token === undefined ? {} : { token });
const view = new BookingView(client, id, root, document.documentElement);

view.calendar.subscribe(() => {
  const name = view.calendar.info?.name;
  if (name !== undefined) document.title = `${name} · Slotcast`;
});
expose(view.calendar);
