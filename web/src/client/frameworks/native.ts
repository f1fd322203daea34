/** React Native and Capacitor: the state of the app takes the place of the page's visibility. */

import type { Environment } from "../connection/environment.ts";

export type { Environment } from "../connection/environment.ts";

/** React Native's `AppState`, or anything with its two members. */
export interface AppStates {
  readonly currentState: string | null;
  addEventListener(
    type: "change",
    listener: (state: string) => void,
  ): { readonly remove: () => void };
}

/** `NetInfo` of @react-native-community/netinfo, or anything with its `addEventListener`. */
export interface NetStates {
  addEventListener(listener: (state: { readonly isConnected: boolean | null }) => void): () => void;
}

/** The environment of an app: `connect(url, { environment: appEnvironment(AppState, NetInfo) })`. An
 * app that comes to the front looks at its connection at once. Without `net` it counts as online. */
export function appEnvironment(app: AppStates, net?: NetStates): Environment {
  let isOnline = true;
  return {
    isOnline: () => isOnline,
    isVisible: () => app.currentState === "active" || app.currentState === null,
    listen(on) {
      const watch = app.addEventListener("change", (state) => state === "active" && on("woken"));
      const stop = net?.addEventListener(({ isConnected }) => {
        const is = isConnected !== false;
        if (is === isOnline) return;
        isOnline = is;
        on(is ? "online" : "offline");
      });
      return () => {
        watch.remove();
        stop?.();
      };
    },
  };
}
