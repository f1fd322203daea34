import { describe, expect, it } from "vitest";
import { ENGLISH } from "../../src/language/english";
import { FRENCH } from "../../src/language/french";
import { GERMAN } from "../../src/language/german";
import { chooseLanguage, loadLocale } from "../../src/language/language";
import { pageChunks } from "../../src/language/language_chunks";
import { SPANISH } from "../../src/language/spanish";
import { STAFF_ENGLISH } from "../../src/language/staff/english/staff_english";
import { STAFF_FRENCH } from "../../src/language/staff/french/staff_french";
import { STAFF_GERMAN } from "../../src/language/staff/german/staff_german";
import { STAFF_SPANISH } from "../../src/language/staff/spanish/staff_spanish";

describe("chooses a language", () => {
  it("by the browser's languages, in order", () => {
    expect(chooseLanguage("", ["ja", "de-AT", "en"])).toEqual({ catalog: "de", tag: "de-AT" });
    expect(chooseLanguage("", ["en-US", "de"])).toEqual({ catalog: "en", tag: "en-US" });
    expect(chooseLanguage("", ["ja"])).toEqual({ catalog: "en", tag: "en-GB" });
  });

  it("by a wish, with the browser's region", () => {
    expect(chooseLanguage("es", ["en-US"])).toEqual({ catalog: "es", tag: "es" });
    expect(chooseLanguage("DE", ["en", "de-CH"])).toEqual({ catalog: "de", tag: "de-CH" });
    expect(chooseLanguage("not a tag", ["fr"])).toEqual({ catalog: "fr", tag: "fr" });
  });

  it("and takes a pseudo-locale by its whole name only", () => {
    expect(chooseLanguage("ar-XB", ["en"]).catalog).toBe("ar-XB");
    expect(chooseLanguage("", ["ar-EG", "en"]).catalog).toBe("en");
  });
});

it("has the clock of the visitor, or of the language that was asked for", async () => {
  expect((await loadLocale(pageChunks, "", ["en-US"])).hour12).toBe(true);
  expect((await loadLocale(pageChunks, "de", ["en-US"])).hour12).toBe(false);
  expect((await loadLocale(pageChunks, "", ["fr"])).texts.time.today).toBe("Aujourd’hui");
  expect((await loadLocale(pageChunks, "ar-XB", ["en"])).direction).toBe("rtl");
});

/** The texts of a catalog by their path; a function's arguments are numbers. */
function textsOf(part: unknown, path = ""): readonly [string, string][] {
  if (typeof part === "string") return [[path, part]];
  if (typeof part === "function") return [[path, String(part(2, 3))]];
  return Object.entries(part as object).flatMap(([name, inner]) =>
    textsOf(inner, `${path}.${name}`),
  );
}

describe.each([
  ["German", GERMAN, ENGLISH],
  ["French", FRENCH, ENGLISH],
  ["Spanish", SPANISH, ENGLISH],
  ["German of staff", STAFF_GERMAN, STAFF_ENGLISH],
  ["French of staff", STAFF_FRENCH, STAFF_ENGLISH],
  ["Spanish of staff", STAFF_SPANISH, STAFF_ENGLISH],
])("%s", (_name, catalog, source) => {
  const english = new Map(textsOf(source));

  it("has every text, and each value of an English text", () => {
    const texts = textsOf(catalog);
    expect(texts.map(([path]) => path).sort()).toEqual([...english.keys()].sort());
    for (const [path, text] of texts) {
      expect(text, path).not.toBe("");
      const values = (english.get(path) ?? "").match(/\d/g) ?? [];
      expect(text.match(/\d/g) ?? [], path).toHaveLength(values.length);
    }
  });

  it("has no English sentence", () => {
    const same = textsOf(catalog).filter(
      ([path, text]) => text.includes(" ") && english.get(path) === text,
    );
    // Units and dates are alike in many languages.
    expect(
      same
        .map(([path]) => path)
        .filter(
          (path) =>
            !/google|places|pill|time|slot\.|settled|Label|\.to$|server\.|addTo|without|access\.link/.test(
              path,
            ),
        ),
    ).toEqual([]);
  });
});
