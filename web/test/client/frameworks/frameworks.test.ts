import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { describe, expect, it, vi } from "vitest";
import { effectScope } from "vue";
import type { SlotcastClient } from "../../../src/client";
import { appEnvironment } from "../../../src/client/frameworks/native";
import { useCalendar as useInReact } from "../../../src/client/frameworks/react";
import { calendarStore } from "../../../src/client/frameworks/store";
import { useCalendar as useInVue } from "../../../src/client/frameworks/vue";

/** A client of one calendar that changes by hand. */
function makeClient() {
  const listeners = new Set<() => void>();
  const subscribe = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const calendar = { slots: [] as object[], info: undefined, isLoaded: false, subscribe };
  const status = { state: "connecting", reason: "started" };
  const client = { status, refusal: undefined, onStatus: subscribe, calendar: () => calendar };
  return {
    client: client as unknown as SlotcastClient,
    listeners,
    load(slots: object[]) {
      Object.assign(calendar, { slots, isLoaded: true });
      for (const listener of [...listeners]) listener();
    },
  };
}

function Count({ client }: { readonly client: SlotcastClient }) {
  return createElement("b", null, useInReact(client, "demo").slots.length);
}

describe("a calendar in a framework", () => {
  it("is the same value until it changes", () => {
    const { client, listeners, load } = makeClient();
    const store = calendarStore(client, "demo");
    const changed = vi.fn();
    const stop = store.subscribe(changed);
    const first = store.get();
    expect(store.get()).toBe(first);
    load([{ id: "a" }]);
    expect(changed).toHaveBeenCalled();
    expect(store.get()).toMatchObject({ slots: [{ id: "a" }], isLoaded: true });
    stop();
    expect(listeners.size).toBe(0);
  });

  it("is drawn by React", () => {
    const { client, load } = makeClient();
    load([{ id: "a" }, { id: "b" }]);
    expect(renderToString(createElement(Count, { client }))).toBe("<b>2</b>");
  });

  it("is a ref of Vue until its scope ends", () => {
    const { client, listeners, load } = makeClient();
    const scope = effectScope();
    const state = scope.run(() => useInVue(client, "demo"));
    load([{ id: "a" }]);
    expect(state?.value.slots).toHaveLength(1);
    scope.stop();
    expect(listeners.size).toBe(0);
  });

  it("follows the state of an app", () => {
    let tell: (state: string) => void = () => {};
    const remove = vi.fn();
    const app = {
      currentState: "background",
      addEventListener: (_type: "change", listener: (state: string) => void) => {
        tell = listener;
        return { remove };
      },
    };
    let connect: (state: { isConnected: boolean | null }) => void = () => {};
    const net = {
      addEventListener: (listener: typeof connect) => {
        connect = listener;
        return remove;
      },
    };
    const environment = appEnvironment(app, net);
    const heard: string[] = [];
    const stop = environment.listen((what) => heard.push(what));
    expect([environment.isVisible(), environment.isOnline()]).toEqual([false, true]);
    tell("inactive");
    tell("active");
    connect({ isConnected: true });
    connect({ isConnected: false });
    expect(environment.isOnline()).toBe(false);
    connect({ isConnected: true });
    expect(heard).toEqual(["woken", "offline", "online"]);
    stop();
    expect(remove).toHaveBeenCalledTimes(2);
  });
});
