/** `/staff`: opening times and looking after bookings. */

import "../style/base.css";
import "../style/booking.css";
import "../style/sheet.css";
import "../style/staff.css";
document.body.dataset.page = "staff";
