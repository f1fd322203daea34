import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { themesOf } from "../../src/element/style";
import { serverOf } from "../../src/element/script";
import { eventOf } from "../../src/element/element_event";
import { leaseClient } from "../../src/element/shared_client";
import type { SlotcastClient } from "../../src/client";

describe("the element", () => {
  it("has both sets of colours as themes", () => {
    const css = readFileSync(`${import.meta.dirname}/../../src/style/tokens.css`, "utf8");
    const [, dark, light] = themesOf(css).split(":host([theme=");
    expect(dark).toMatch(/^"dark"\]\)\{[\s\S]*--paper: #111513[\s\S]*color-scheme:dark\}$/);
    expect(light).toMatch(/^"light"\]\)\{[\s\S]*--paper: #f6f4ef[\s\S]*color-scheme:light\}$/);
  });

  it("finds its server by its script, also under a path and by its content's name", () => {
    expect(serverOf("https://a.example/slotcast-calendar.js")).toBe("https://a.example");
    expect(serverOf("https://a.example/slots/slotcast-calendar-1a2b.js?x")).toBe(
      "https://a.example/slots",
    );
  });

  it("tells no token", () => {
    const hold = { id: "h", slot: "s", seats: 1, expires_at: "2027-01-31T09:05:00Z", token: "t" };
    const pending = { what: "hold", key: "k", tab: "", at: 0, slot: "s", seats: 1 } as const;
    const times = { start: "2027-01-31T09:00:00Z", end: "2027-01-31T09:30:00Z" };
    const { name, detail } = eventOf("demo", {
      pending: { ...pending, ...times },
      outcome: { hold },
    });
    expect(name).toBe("hold");
    expect(detail).toMatchObject({ calendar: "demo", hold: { id: "h", ...times } });
    expect(JSON.stringify(detail)).not.toContain("token");
  });

  it("shares one connection by server and token, and leaves what nobody shows", () => {
    const told: string[] = [];
    const make = (url: string | URL) => {
      told.push(`open ${url}`);
      const close = () => told.push("close");
      return {
        leave: (id: string) => told.push(`leave ${id}`),
        close,
      } as unknown as SlotcastClient;
    };
    const lease = (calendar: string, token?: string) =>
      leaseClient("https://a.example", calendar, token, make);
    const [first, again, other] = [lease("a"), lease("a"), lease("b")];
    expect(again.client).toBe(first.client);
    lease("a", "token").release();
    expect(told).toEqual(["open https://a.example", "open https://a.example", "leave a", "close"]);
    first.release();
    first.release();
    expect(told).toHaveLength(4);
    again.release();
    other.release();
    expect(told.slice(4)).toEqual(["leave a", "leave b", "close"]);
  });
});
