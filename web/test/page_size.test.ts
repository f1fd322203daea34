import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";
import { expect, it, vi } from "vitest";

const MOST_BYTES = 45_000;

it("loads at most 45,000 bytes of script, gzipped, to show the first times of a booking page", async () => {
  vi.stubEnv("NODE_ENV", "production");
  const built = (await build({
    logLevel: "silent",
    build: { write: false },
  })) as Rolldown.RolldownOutput;
  const chunks = new Map(
    built.output.flatMap((part) => (part.type === "chunk" ? [[part.fileName, part] as const] : [])),
  );
  const entry = [...chunks.values()].find(({ isEntry, name }) => isEntry && name === "calendar");
  const first = new Set<string>();
  const add = (file: string): void => {
    if (first.has(file)) return;
    first.add(file);
    for (const imported of chunks.get(file)?.imports ?? []) add(imported);
  };
  add(entry?.fileName ?? "");
  const page = built.output.find(({ fileName }) => fileName === "calendar.html");
  const html = page?.type === "asset" ? String(page.source) : readFileSync("calendar.html", "utf8");
  const named = [...html.matchAll(/(?:src|href)="(\S*assets\/\S*)"/g)].map(([, name]) => name);
  expect(named.length).toBeGreaterThan(first.size);
  const files = new Set(built.output.map(({ fileName }) => `../${fileName}`));
  for (const name of named) expect(files, "an address below /c/").toContain(name);
  for (const file of first)
    expect(html, "a request of its own only after another one").toContain(file);
  const bytes = [...first].map(
    (file) => gzipSync(chunks.get(file)?.code ?? "", { level: 9 }).length,
  );
  expect(first.size).toBeGreaterThan(2);
  expect(bytes.reduce((all, one) => all + one, 0)).toBeLessThanOrEqual(MOST_BYTES);
});
