/** Pseudo-locales, made from an English catalog. A text outside of brackets stands in code instead
 * of a catalog. */

const PLAIN = "aceinouyACEINOUY";
const ACCENTED = "åçéîñöûýÅÇÉÎÑÖÛÝ";

const accent = (letter: string): string => ACCENTED[PLAIN.indexOf(letter)] ?? letter;

/** `⟦Ýöûr ñåmé ··⟧`: a third longer, as a translation may be. */
const lengthen = (text: string): string =>
  text && `⟦${text.replace(/[a-z]/gi, accent)} ${"·".repeat(Math.ceil(text.length / 3))}⟧`;

/** Shows the text from right to left. */
const turn = (text: string): string => text && `⟦\u202e${text}\u202c⟧`;

export const accented = <Catalog>(catalog: Catalog): Catalog => mapTexts(catalog, lengthen);
export const mirrored = <Catalog>(catalog: Catalog): Catalog => mapTexts(catalog, turn);

function mapTexts<Part>(part: Part, map: (text: string) => string): Part {
  if (typeof part === "string") return map(part) as Part;
  if (typeof part === "function") {
    return ((...values: readonly unknown[]) => map(part(...values))) as Part;
  }
  const entries = Object.entries(part as object);
  return Object.fromEntries(entries.map(([name, inner]) => [name, mapTexts(inner, map)])) as Part;
}
