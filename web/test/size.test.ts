import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";
import { expect, it } from "vitest";

const MOST_BYTES = 20 * 1_024;

it("is one function for a page that imports one function", async () => {
  const entry = "test/support/one_function.ts";
  const output = (await build({
    configFile: false,
    logLevel: "silent",
    build: { write: false, minify: true, lib: { entry, formats: ["es"], fileName: "one" } },
  })) as Rolldown.RolldownOutput[];
  const code = output.flatMap(({ output: parts }) =>
    parts.map((part) => (part.type === "chunk" ? part.code : "")),
  );
  expect(code.join("").length).toBeLessThan(1_024);
});

it("keeps the client library under 20 KB gzipped, socket.io-client counted apart", async () => {
  const output = (await build({
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      minify: true,
      lib: { entry: "src/client/index.ts", formats: ["es"] },
      rollupOptions: { external: ["socket.io-client"] },
    },
  })) as Rolldown.RolldownOutput[];
  const code = output.flatMap(({ output: parts }) =>
    parts.map((part) => (part.type === "chunk" ? part.code : "")),
  );
  const bytes = gzipSync(code.join("")).length;
  expect(bytes).toBeGreaterThan(1_024);
  expect(bytes).toBeLessThan(MOST_BYTES);
});
