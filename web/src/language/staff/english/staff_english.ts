/** The English texts of the staff page. Their type is the list of keys: a catalog without one of them
 * does not compile. */

import { ACCESS } from "./access.ts";
import { DAY } from "./day.ts";
import { SETUP } from "./setup.ts";
import { SHEET } from "./sheet.ts";

export const STAFF_ENGLISH = { ...DAY, ...SHEET, ...SETUP, ...ACCESS };

export type StaffCatalog = typeof STAFF_ENGLISH;
