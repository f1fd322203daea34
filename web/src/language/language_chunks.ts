/** The chunks of the languages, for the pages. */

import type { LanguageChunks } from "./language";

export const pageChunks: LanguageChunks = {
  german: () => import("./german.ts"),
  french: () => import("./french.ts"),
  spanish: () => import("./spanish.ts"),
  pseudo: () => import("./pseudo.ts"),
};
