import { cpSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vite";

const ESM = "dist-client";
const CJS = "dist-client/cjs";

/** The library for `require`, beside the modules that tsc makes. Their declarations are the same. */
export default defineConfig({
  publicDir: false,
  plugins: [
    {
      name: "declarations",
      closeBundle() {
        const made = readdirSync(ESM, { recursive: true, encoding: "utf8" });
        for (const name of made.filter((one) => one.endsWith(".d.ts") && !one.startsWith("cjs")))
          cpSync(join(ESM, name), join(CJS, name));
        writeFileSync(join(CJS, "package.json"), '{ "type": "commonjs" }\n');
      },
    },
  ],
  build: {
    target: "es2022",
    outDir: CJS,
    emptyOutDir: true,
    minify: false,
    lib: {
      entry: {
        index: "src/client/index.ts",
        "frameworks/react": "src/client/frameworks/react.ts",
        "frameworks/vue": "src/client/frameworks/vue.ts",
        "frameworks/native": "src/client/frameworks/native.ts",
      },
      formats: ["cjs"],
      fileName: (_format, name) => `${name}.js`,
    },
    rollupOptions: {
      external: ["socket.io-client", "react", "vue"],
      output: { chunkFileNames: "[name].js" },
    },
  },
});
