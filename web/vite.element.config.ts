import { readdirSync } from "node:fs";
import { defineConfig } from "vite";
import { leaner, replace } from "./vite.plugins.ts";

/** Returns the file of a part, made by the build of the pages before. */
function fileOf(part: string): string {
  const file = readdirSync("dist/assets").find((name) => name.startsWith(`${part}-`));
  if (file === undefined) throw new Error(`Build the pages first: there is no file of ${part}.`);
  return file;
}

const languages = ["german", "french", "spanish", "pseudo"].map((name) => [name, fileOf(name)]);

/** Few calendars ask for a proof of work: its code comes from the server too. */
const PROOF = `import { homeOfScript } from "../element/script";
export const prove = async (fetch) =>
  (await import(/* @vite-ignore */ homeOfScript() + "/assets/${fileOf("proof")}")).prove(fetch);`;

/** The embeddable element: one classic script under a name that stays, for other sites to load. It
 * loads a language from its own server. */
export default defineConfig({
  publicDir: false,
  plugins: [
    ...leaner,
    replace("proof-of-the-server", /src\/client\/proof\.ts$/, PROOF),
    replace("no-staff", /src\/client\/staff_shape\.ts$/, "export const staffShapeOf = () => ({});"),
  ],
  define: { LANGUAGE_FILES: JSON.stringify(Object.fromEntries(languages)) },
  build: {
    target: "es2022",
    emptyOutDir: false,
    lib: {
      entry: "src/element/index.ts",
      formats: ["iife"],
      name: "SlotcastElement",
      fileName: () => "slotcast-calendar.js",
    },
  },
});
