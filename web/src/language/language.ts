/** Chooses the language of a page, and loads its texts. */

import { type Catalog, ENGLISH } from "./english.ts";

export interface Locale {
  /** The BCP 47 tag for dates and numbers. */
  readonly language: string;
  readonly hour12: boolean;
  readonly direction: "ltr" | "rtl";
  readonly texts: Catalog;
}

interface Choice {
  readonly catalog: keyof typeof LOADERS;
  readonly tag: string;
}

/** Loads the chunk of a language. Each one but English is a chunk of its own. */
export interface LanguageChunks {
  german(): Promise<typeof import("./german.ts")>;
  french(): Promise<typeof import("./french.ts")>;
  spanish(): Promise<typeof import("./spanish.ts")>;
  pseudo(): Promise<typeof import("./pseudo.ts")>;
}

const LOADERS = {
  en: async () => ENGLISH,
  de: async ({ german }: LanguageChunks) => (await german()).GERMAN,
  fr: async ({ french }: LanguageChunks) => (await french()).FRENCH,
  es: async ({ spanish }: LanguageChunks) => (await spanish()).SPANISH,
  // The pseudo-locales of Android and Chromium: longer texts, and texts from right to left.
  "en-XA": async ({ pseudo }: LanguageChunks) => (await pseudo()).accented(ENGLISH),
  "ar-XB": async ({ pseudo }: LanguageChunks) => (await pseudo()).mirrored(ENGLISH),
} as const;

const RIGHT_TO_LEFT: ReadonlySet<string> = new Set(["ar-XB"]);

/** `asked` is a wish of the address or of the element; `languages` are those of the browser. */
export function chooseLanguage(asked: string, languages: readonly string[]): Choice {
  const wanted = [canonical(asked), ...languages.map(canonical)];
  for (const tag of wanted) {
    const catalog = catalogOf(tag);
    if (catalog === undefined) continue;
    // The browser knows the region of a language that was asked for without one.
    const near = wanted.find(
      (other) => other.startsWith(`${tag}-`) && catalogOf(other) === catalog,
    );
    return { catalog, tag: near ?? tag };
  }
  return { catalog: "en", tag: "en-GB" };
}

/** A pseudo-locale is only taken by its whole name. */
function catalogOf(tag: string): Choice["catalog"] | undefined {
  if (tag in LOADERS) return tag as Choice["catalog"];
  const base = tag.split("-")[0] ?? "";
  return base in LOADERS ? (base as Choice["catalog"]) : undefined;
}

function canonical(tag: string): string {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? "";
  } catch {
    return "";
  }
}

/** Loads the language of a visitor. Without its chunk the page is in English. */
export async function loadLocale(
  chunks: LanguageChunks,
  asked: string,
  languages: readonly string[] = navigator.languages,
): Promise<Locale> {
  const choice = chooseLanguage(asked, languages);
  try {
    return makeLocale(choice, await LOADERS[choice.catalog](chunks), asked, languages);
  } catch {
    return englishLocale(languages);
  }
}

/** The locale of a page in English, by the languages of the browser. */
export function englishLocale(languages: readonly string[] = navigator.languages): Locale {
  const tag = languages.find((language) => language.startsWith("en")) ?? "en-GB";
  return makeLocale({ catalog: "en", tag }, ENGLISH, "", languages);
}

/** A visitor's clock has 12 or 24 hours by the first language of the browser; a language that was
 * asked for brings its own. */
function makeLocale(
  { catalog, tag }: Choice,
  texts: Catalog,
  asked: string,
  languages: readonly string[],
): Locale {
  const language = catalog === "ar-XB" ? "ar" : tag;
  const clock = asked === "" ? (languages[0] ?? language) : language;
  const { hour12 = false } = new Intl.DateTimeFormat(clock, { hour: "numeric" }).resolvedOptions();
  const direction = RIGHT_TO_LEFT.has(catalog) ? "rtl" : "ltr";
  return { language, hour12, direction, texts };
}
