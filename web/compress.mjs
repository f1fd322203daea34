// Finishes the build: the element's script gets a second name by its content, for a page that pins it
// by its hash. Each file gets a gzip and a brotli sibling, for clients that take them.
import { createHash } from "node:crypto";
import { copyFileSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const FOLDER = "dist";
const LEAST_BYTES = 1_024;

const element = readFileSync(join(FOLDER, "slotcast-calendar.js"));
const hash = createHash("sha384").update(element);
const integrity = `sha384-${hash.copy().digest("base64")}`;
const script = `slotcast-calendar-${hash.digest("hex").slice(0, 12)}.js`;
writeFileSync(join(FOLDER, script), element);
writeFileSync(
  join(FOLDER, "slotcast-calendar.json"),
  `${JSON.stringify({ script, integrity }, null, 2)}\n`,
);

// `/staff/server` is the staff page one level deeper, and its addresses are relative.
const staff = readFileSync(join(FOLDER, "staff.html"), "utf8");
writeFileSync(join(FOLDER, "server.html"), staff.replaceAll('"./', '"../'));

// The page of the API, at /docs.
for (const name of ["swagger-ui.css", "swagger-ui-bundle.js"])
  copyFileSync(join("node_modules/swagger-ui-dist", name), join(FOLDER, "docs", name));

for (const name of readdirSync(FOLDER, { recursive: true, encoding: "utf8" })) {
  const path = join(FOLDER, name);
  if (!/\.(css|html|js|json|svg)$/.test(name) || statSync(path).size < LEAST_BYTES) continue;
  const content = readFileSync(path);
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
  writeFileSync(`${path}.br`, brotliCompressSync(content));
}
