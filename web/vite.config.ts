import { defineConfig } from "vite";
import { leaner } from "./vite.plugins.ts";

/** Four pages, every asset hashed under /assets/, nothing inline: a strict CSP holds. All addresses
 * are relative, so the pages work under any path. `/c/<calendar>` and `/verify/<booking>`
 * are one level deeper. */
export default defineConfig({
  base: "./",
  plugins: [
    ...leaner,
    {
      name: "deeper-page",
      // The addresses of images come into the page last of all.
      generateBundle: {
        order: "post",
        handler(_options, bundle) {
          for (const name of ["calendar.html", "verify.html"]) {
            const page = bundle[name];
            if (page?.type !== "asset") return this.error(`There is no ${name}.`);
            page.source = String(page.source).replaceAll('"./assets/', '"../assets/');
          }
        },
      },
    },
  ],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: {
        index: "index.html",
        calendar: "calendar.html",
        staff: "staff.html",
        verify: "verify.html",
      },
      output: {
        // Small chunks of their own would compress worse, and cost a request each.
        codeSplitting: {
          includeDependenciesRecursively: false,
          // The style sheets of all pages come with the first of them, before those of one page.
          groups: [
            {
              name: "page",
              test: /preload-helper|src\/(style\/.*|ui\/control)\.css$|src\/(ui\/(?!dialog|menu)|address|language\/(english|language)|client\/(http|list|shape|staff_shape|error|wire|key|routes|timeout|transports\/(link|liveness))|page\/(page_locale|hook)|booking\/policy).*\.ts$/,
            },
            {
              name: "booking",
              test: /src\/booking\/(?!policy|form\/(?!lazy|draft)|month\/(?!month_panel)|own\/(own_steps|own_list|earlier_entries)|notice\/origin_probe|save_file).*\.ts$/,
            },
          ],
        },
      },
    },
  },
});
