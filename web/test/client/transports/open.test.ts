/** The one-way transports load on demand, and a load that hangs costs one attempt. */

import { afterEach, describe, expect, it, vi } from "vitest";
import type { LinkSetting } from "../../../src/client/transports/link";
import { ServerClock } from "../../../src/client/transports/clock";
import { openLink } from "../../../src/client/transports/open";

const events = { delivered: () => {}, lost: () => {}, heard: () => {} };

const settingOf = (signal: AbortSignal, open_ms = 5_000): LinkSetting => ({
  ...{ base: new URL("http://here.test"), isStaff: false, token: undefined },
  ...{ clock: new ServerClock(), isVisible: () => true, isRenewable: false, calendars: [] },
  ...{ open_ms, signal },
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.doUnmock("../../../src/client/transports/one_way_link.ts");
});

describe("a one-way transport", () => {
  it.each(["sse", "longpoll"] as const)("opens as %s", async (transport) => {
    vi.stubGlobal("fetch", async () => Response.json({ status: "ok" }));
    const { signal } = new AbortController();
    expect((await openLink(transport, settingOf(signal), events)).transport).toBe(transport);
  });

  it("is unreachable if its code does not come in time", async () => {
    vi.doMock("../../../src/client/transports/one_way_link.ts", () => new Promise(() => {}));
    const { signal } = new AbortController();
    const opening = openLink("sse", settingOf(signal, 20), events);
    await expect(opening).rejects.toMatchObject({ code: "unreachable", retryable: true });
  });
});
