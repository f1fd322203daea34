/** The state of the device and the page: network, visibility, and sleep. */

export interface Environment {
  isOnline(): boolean;
  isVisible(): boolean;
  /** Calls back on every change until the returned function is called. */
  listen(on: (what: "online" | "offline" | "woken") => void): () => void;
}

const TICK_MS = 5_000;
/** Hidden pages may run timers once a minute. A later timer means that the page was asleep. */
const SLEPT_MS = 75_000;
const APART_MS = 2_000;

/** Returns the page's environment in a browser; elsewhere (Node, a worker) one that is always
 * online and visible. */
export function thisEnvironment(): Environment {
  const hasPage = typeof window !== "undefined" && typeof document !== "undefined";
  return {
    isOnline: () => !hasPage || navigator.onLine,
    isVisible: () => !hasPage || document.visibilityState === "visible",
    listen(on) {
      if (!hasPage) return () => {};
      const controller = new AbortController();
      const { signal } = controller;
      window.addEventListener("online", () => on("online"), { signal });
      window.addEventListener("offline", () => on("offline"), { signal });
      window.addEventListener("pageshow", (event) => event.persisted && on("woken"), { signal });
      document.addEventListener(
        "visibilitychange",
        () => document.visibilityState === "visible" && on("woken"),
        { signal },
      );
      const timer = watchForSleep(() => on("woken"));
      signal.addEventListener("abort", () => clearInterval(timer));
      return () => controller.abort();
    },
  };
}

function watchForSleep(on: () => void): ReturnType<typeof setInterval> {
  let last = Date.now();
  let last_local = performance.now();
  return setInterval(() => {
    const now = Date.now();
    const local = performance.now();
    // The clocks differ: the device's clock was set, or `performance` slept with the device.
    const apart = Math.abs(now - last - (local - last_local));
    if (now - last > SLEPT_MS || apart > APART_MS) on();
    last = now;
    last_local = local;
  }, TICK_MS);
}
