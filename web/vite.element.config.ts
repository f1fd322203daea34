import { defineConfig } from "vite";

/** The embeddable element: one classic script under a name that stays, for other sites to load. */
export default defineConfig({
  publicDir: false,
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
