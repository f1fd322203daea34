/** The language of the staff page: by `?lang=`, else by the choice in the account menu, else by the
 * browser. */

import { chooseLanguage, englishLocale, type Locale, loadLocale } from "../language/language";
import { pageChunks } from "../language/language_chunks";
import { STAFF_ENGLISH, type StaffCatalog } from "../language/staff/english/staff_english";
import { addressWith, readQuery } from "../ui/query";
import { setTexts } from "./texts";

const NAME = "slotcast.staff.language";

/** The languages of the menu, each by its own name. */
export const LANGUAGES = {
  en: "English",
  de: "Deutsch",
  fr: "Français",
  es: "Español",
} as const;
export type Language = keyof typeof LANGUAGES;

const LOADERS = {
  en: async () => STAFF_ENGLISH,
  de: async () => (await import("../language/staff/german/staff_german")).STAFF_GERMAN,
  fr: async () => (await import("../language/staff/french/staff_french")).STAFF_FRENCH,
  es: async () => (await import("../language/staff/spanish/staff_spanish")).STAFF_SPANISH,
  "en-XA": async () => (await import("../language/pseudo")).accented(STAFF_ENGLISH),
  "ar-XB": async () => (await import("../language/pseudo")).mirrored(STAFF_ENGLISH),
} as const;

/** Returns the language of the menu's choice; undefined for the browser's. */
export function chosenLanguage(): Language | undefined {
  try {
    const chosen = localStorage.getItem(NAME) ?? "";
    return chosen in LANGUAGES ? (chosen as Language) : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps the choice in this browser, and shows the page in it. */
export function chooseForGood(language: Language | undefined): void {
  try {
    if (language === undefined) localStorage.removeItem(NAME);
    else localStorage.setItem(NAME, language);
  } catch {
    // Without a storage the address has the choice.
  }
  const isKept = chosenLanguage() === language;
  history.replaceState(null, "", addressWith({ lang: isKept ? "" : language }));
  location.reload();
}

/** Loads the texts. Without its chunk the page is in English. */
export async function loadTexts(): Promise<void> {
  const asked = readQuery("lang") || (chosenLanguage() ?? "");
  const [own, locale] = await read(asked).catch(() => [STAFF_ENGLISH, englishLocale()] as const);
  setTexts(own, locale);
  document.documentElement.lang = locale.language;
  document.documentElement.dir = locale.direction;
}

async function read(asked: string): Promise<readonly [StaffCatalog, Locale]> {
  const { catalog } = chooseLanguage(asked, navigator.languages);
  return Promise.all([LOADERS[catalog](), loadLocale(pageChunks, asked)]);
}
