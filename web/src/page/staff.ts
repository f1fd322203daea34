/** `/staff`: the page for opening times and bookings. */

import "../style/tokens.css";
import "../style/base.css";
import "../style/layout.css";
import "../ui/control.css";
import "../ui/menu.css";
import "../ui/feedback/status_pill.css";
import "../ui/dialog/dialog.css";
import "../ui/feedback/toast.css";
import "../booking/board/board.css";
import "../booking/own/own_panel.css";
import "../staff/staff.css";
import "../staff/agenda/agenda.css";
import "../staff/day/day.css";
import "../staff/console.css";
import "../staff/inbox/inbox.css";
import "../staff/find/find.css";
import "../staff/week/week.css";
import "../staff/week/block.css";
import "../staff/board/lanes.css";
import "../staff/settings/settings.css";
import "../staff/first/first.css";
import "../staff/schedule/schedule.css";
import "../staff/access/access.css";
import "../staff/server/server.css";
import { connectStaff } from "../client";
import { AccessClient } from "../staff/access/access_client";
import { showHowToOpen, showNotNow, showSignIn } from "../staff/access/sign_in";
import { ServerView } from "../staff/server/server_view";
import { StaffView } from "../staff/staff_view";
import { keepTypedText } from "../staff/typed_text";
import { pageHome } from "../address/home";
import { forgetToken, onLink, takeToken } from "../address/token";
import { loadTexts } from "../staff/language_choice";
import { exposeChosen } from "./hook";

/** The wait before a server that did not answer is asked again. */
const AGAIN_MS = 3_000;

const root = document.querySelector("main") as HTMLElement;
const token = takeToken("staff");
onLink();
const loaded = loadTexts();

/** Shows the page of staff, by the token of a link or by the session of the browser. The connection opens while the
 * texts load. */
async function open(access: AccessClient): Promise<void> {
  const client = connectStaff(pageHome(), token === undefined ? {} : { token });
  client.onStatus(({ reason }) => {
    if (reason !== "refused") return;
    forgetToken("staff");
    // The session has ended: the log-in shows.
    if (token === undefined) location.reload();
  });
  await loaded;
  root.replaceChildren();
  keepTypedText(root);
  if (location.pathname.endsWith("/staff/server")) new ServerView(client, root);
  else new StaffView(client, root, exposeChosen(), access);
}

async function start(): Promise<void> {
  const access = new AccessClient(token);
  if (token !== undefined) return open(access);
  try {
    const [{ session, has_accounts }] = await Promise.all([access.session(), loaded]);
    if (session !== null) await open(access);
    else if (has_accounts) showSignIn(root, access, () => void open(access));
    else showHowToOpen(root);
  } catch (error) {
    await loaded;
    showNotNow(root, error);
    setTimeout(() => void start(), AGAIN_MS);
  }
}

void start();
