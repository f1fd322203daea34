/** `/`: the entry point of the list of calendars. */

import "../style/tokens.css";
import "../style/base.css";
import "../style/layout.css";
import "../ui/control.css";
import "../list/list.css";
import { showCalendars } from "../list/list_view";
import { visitorZone } from "../ui/time";

document.documentElement.dataset.zone = visitorZone();
void showCalendars(document.querySelector(".calendars") as HTMLElement, location.origin);
