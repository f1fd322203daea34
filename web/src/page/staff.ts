/** `/staff`: the page for opening times and bookings. */

import "../style/tokens.css";
import "../style/base.css";
import "../style/layout.css";
import "../ui/control.css";
import "../ui/feedback/status_pill.css";
import "../ui/dialog/dialog.css";
import "../ui/feedback/toast.css";
import "../booking/board/board.css";
import "../booking/own/own_panel.css";
import "../staff/staff.css";
import "../staff/agenda.css";
import "../staff/day/day.css";
import "../staff/schedule/schedule.css";
import { connectStaff } from "../client";
import { h } from "../ui/dom";
import { StaffView } from "../staff/staff_view";
import { forgetToken, onLink, takeToken } from "../address/token";
import { exposeChosen } from "./hook";

const root = document.querySelector("main") as HTMLElement;
const token = takeToken("staff");
onLink();

if (token === undefined) {
  root.append(
    h(
      "div",
      { class: "blank" },
      h("h2", {}, "The staff page opens by a link"),
      h(
        "p",
        {},
        "The server prints one when it starts; “python server.py token --scope staff” makes a token, to be put after /staff#token=",
      ),
    ),
  );
} else {
  const client = connectStaff(location.origin, { token });
  client.onStatus(({ reason }) => reason === "refused" && forgetToken("staff"));
  new StaffView(client, root, exposeChosen());
}
