/** `/`: the entry point of the list of calendars. */

import "../style/tokens.css";
import "../style/base.css";
import "../style/layout.css";
import "../ui/control.css";
import "../list/list.css";
import { showCalendars } from "../list/list_view";
import { setText } from "../ui/dom";
import { pageHome } from "../address/home";
import { visitorZone } from "../ui/time";
import { pageLocale } from "./page_locale";

document.documentElement.dataset.zone = visitorZone();

const { texts } = await pageLocale();
setText(document.querySelector("h1") as HTMLElement, texts.page.calendars);
setText(document.querySelector(".lead") as HTMLElement, texts.page.lead);
const list = document.querySelector(".calendars") as HTMLElement;
void showCalendars(list, pageHome(), texts);
