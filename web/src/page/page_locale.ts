/** The language of a whole page: by `?lang=`, else by the browser. */

import { type Locale, loadLocale } from "../language/language";
import { pageChunks } from "../language/language_chunks";
import { readQuery } from "../ui/query";

export async function pageLocale(): Promise<Locale> {
  const locale = await loadLocale(pageChunks, readQuery("lang"));
  const { documentElement } = document;
  documentElement.lang = locale.language;
  documentElement.dir = locale.direction;
  return locale;
}
