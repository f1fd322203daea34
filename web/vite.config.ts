import { defineConfig } from "vite";

/** Three pages, every asset hashed under /assets/, nothing inline: a strict CSP holds. */
export default defineConfig({
  base: "/",
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { index: "index.html", calendar: "calendar.html", staff: "staff.html" },
    },
  },
});
