/** The French texts of the staff page. */

import type { StaffCatalog } from "../english/staff_english.ts";
import { ACCESS } from "./access.ts";
import { DAY } from "./day.ts";
import { SETUP } from "./setup.ts";
import { SHEET } from "./sheet.ts";

export const STAFF_FRENCH: StaffCatalog = { ...DAY, ...SHEET, ...SETUP, ...ACCESS };
