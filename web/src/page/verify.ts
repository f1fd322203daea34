/** `/verify/<booking>#<link>`: the page that a mail's link opens. A button confirms the booking, as
 * programs that look into mails open every link. */

import "../style/tokens.css";
import "../style/base.css";
import "../style/layout.css";
import "../ui/control.css";
import { button } from "../ui/button";
import { adviceFor } from "../ui/feedback/advice";
import { h, setText } from "../ui/dom";
import { requestOverHttp } from "../client/http";
import { pageLocale } from "./page_locale";

const { texts: catalog } = await pageLocale();
const texts = catalog.verify;
const main = document.querySelector("main") as HTMLElement;
const title = h("h1", {}, texts.title);
const text = h("p", { role: "status" }, texts.linkText);
const confirm = button(texts.submit, () => void run(), { kind: "primary" });
const booking = decodeURIComponent(location.pathname.split("/").at(-1) ?? "");
const code = location.hash.slice(1);

async function run(): Promise<void> {
  confirm.disabled = true;
  try {
    const home = new URL("../", location.href);
    const answer = await requestOverHttp(home, undefined, "booking.verify", { booking, code });
    const isDone = answer.verified === true;
    setText(title, isDone ? texts.done : texts.title);
    setText(text, isDone ? texts.doneText : texts.wrongLink);
    confirm.hidden = isDone;
  } catch (error) {
    setText(text, adviceFor(error, catalog));
  } finally {
    confirm.disabled = false;
  }
}

main.append(title, text, confirm);
