import { expect, it } from "vitest";
import type { ServerRow } from "../../../src/client/index.ts";
import { ratesOf } from "../../../src/staff/server/server_table.ts";

const row = (second: number, changes: number, requests: number): ServerRow => ({
  name: "one:80",
  is_this: false,
  told_at: new Date(second * 1_000).toISOString(),
  started_at: new Date(0).toISOString(),
  is_leader: false,
  workers: 1,
  connections: 0,
  subscribers: 0,
  rooms: 0,
  queued: 0,
  changes,
  requests,
  slow: 0,
});

it("counts a server's changes and requests by the second between two tellings", () => {
  expect(ratesOf(undefined, row(1, 9, 9))).toEqual({ changes: 0, requests: 0 });
  expect(ratesOf(row(1, 10, 0), row(3, 16, 1))).toEqual({ changes: 3, requests: 0.5 });
});

it("has no rate for two readings of one telling, or less than none", () => {
  expect(ratesOf(row(1, 10, 10), row(1, 12, 12))).toEqual({ changes: 0, requests: 0 });
  expect(ratesOf(row(1, 10, 10), row(2, 1, 1))).toEqual({ changes: 0, requests: 0 });
});
