import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

// Vitest empties imported style sheets, so the files are read.
const root = new URL("../../src/", import.meta.url);
const sheets = Object.fromEntries(
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".css"))
    .map((path) => [path, readFileSync(new URL(path, root), "utf8")]),
);
const views = Object.entries(sheets).filter(([path]) => !path.endsWith("tokens.css"));
const tokens = sheets["style/tokens.css"] ?? "";

/** Space, type, weight, radius and colour as literals. A border may be 1 px. */
const LITERALS = [
  /font-size: [\d.]/,
  /font-weight: \d/,
  /font: \d/,
  /border-radius: \d/,
  /\bgap: [^;]*\d+px/,
  /#[0-9a-f]{3,8}\b/,
  /\brgb\(/,
];

it("has few sizes and weights", () => {
  expect(tokens.match(/--text-\w+:/g)).toHaveLength(6);
  expect(tokens.match(/--weight-\w+:/g)).toHaveLength(3);
});

it.each(views)("%s takes its values from the tokens", (_path, css) => {
  for (const literal of LITERALS) expect(css).not.toMatch(literal);
});

it.each(Object.entries(sheets))("%s has at most 300 lines", (_path, css) => {
  expect(css.split("\n").length).toBeLessThanOrEqual(300);
});

it.each(Object.entries(sheets))("%s names only tokens that there are", (_path, css) => {
  for (const [, name] of css.matchAll(/var\((--(?:text|weight|space|radius)-\w+)/g)) {
    expect(tokens).toContain(`${name}:`);
  }
});
