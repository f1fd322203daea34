import { expect, it } from "vitest";
import { Figures, quantile, rate } from "../../../src/staff/server/figures.ts";

const answer = (second: number, figures: readonly [string, Record<string, string>, number][]) =>
  new Figures({
    server_time: new Date(second * 1_000).toISOString(),
    started_at: new Date(0).toISOString(),
    versions: {},
    nodes: 1,
    workers: 1,
    figures: figures.map(([name, labels, value]) => ({ name, labels, value })),
    servers: [],
  });

it("adds up the values of a figure, and lists them by a label", () => {
  const figures = answer(1, [
    ["open", { transport: "sse", node: "a" }, 2],
    ["open", { transport: "sse", node: "b" }, 3],
    ["open", { transport: "websocket" }, 9],
    ["open", { transport: "polling" }, 0],
  ]);
  expect(figures.sum("open")).toBe(14);
  expect(figures.sum("open", ({ transport }) => transport === "sse")).toBe(5);
  expect(figures.sum("other")).toBe(0);
  expect(figures.by("open", "transport")).toEqual([
    ["websocket", 9],
    ["sse", 5],
  ]);
});

it("counts by the second, and from zero after a new start", () => {
  const [first, second] = [answer(1, [["n", {}, 10]]), answer(3, [["n", {}, 16]])];
  expect(rate("n", undefined, first)).toBe(0);
  expect(rate("n", first, second)).toBe(3);
  expect(rate("n", second, answer(4, [["n", {}, 1]]))).toBe(0);
});

it("splits the buckets of a histogram, which count from below", () => {
  const buckets = answer(1, [
    ["t_bucket", { request: "a", le: "0.1" }, 90],
    ["t_bucket", { request: "a", le: "1.0" }, 98],
    ["t_bucket", { request: "a", le: "+Inf" }, 99],
    ["t_bucket", { request: "b", le: "0.1" }, 0],
    ["t_bucket", { request: "b", le: "1.0" }, 1],
    ["t_bucket", { request: "b", le: "+Inf" }, 1],
  ]).buckets("t");
  expect(buckets).toEqual([
    ["0.1", 90],
    ["1.0", 9],
    ["+Inf", 1],
  ]);
  expect(quantile(buckets, 0.5)).toBe("0.1");
  expect(quantile(buckets, 0.99)).toBe("1.0");
  expect(quantile([], 0.5)).toBe("");
});
