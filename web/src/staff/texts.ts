/** The texts of the staff page in the reader's language, and the form of its dates and times. The page
 * chooses them once, before it draws anything; another choice loads the page again. */

import type { StaffCatalog } from "../language/staff/english/staff_english";
import { STAFF_ENGLISH } from "../language/staff/english/staff_english";
import { englishLocale, type Locale } from "../language/language";
import { adviceFor as adviceIn } from "../ui/feedback/advice";

/** The letters of Hebrew, Arabic and their relatives. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

export let texts: StaffCatalog = STAFF_ENGLISH;
/** Its `texts` are those that the customer's pages have too. */
export let locale: Locale = englishLocale(["en-GB"]);

export function setTexts(chosen: StaffCatalog, form: Locale): void {
  texts = chosen;
  locale = form;
}

/** Whether the page is in English, as the server's own texts are. */
export const isEnglish = (): boolean => texts === STAFF_ENGLISH;

/** Turns an error into a text with the next step. */
export const adviceFor = (error: unknown): string => adviceIn(error, locale.texts);

/** `a, b and c` in the reader's language. */
export const listed = (names: readonly string[]): string =>
  new Intl.ListFormat(isEnglish() ? "en-GB" : locale.language).format(names);

/** Keeps the direction of a name apart from the text around it: a name in Arabic would turn the order of its
 * neighbours. */
export const isolated = (name: string): string =>
  RIGHT_TO_LEFT.test(name) ? `\u2068${name}\u2069` : name;
