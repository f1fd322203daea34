import { expect, it } from "vitest";
import { Ladder, RUNGS } from "../../../src/client/connection/ladder";

it("walks all rungs, best first, while none is known to work", () => {
  expect(new Ladder().plan(0)).toEqual(RUNGS);
});

it("tries what last worked alone at first, and the whole ladder every second time", () => {
  const ladder = new Ladder();
  ladder.worked("polling");
  expect([ladder.plan(0), ladder.plan(1), ladder.plan(2)]).toEqual([
    ["polling"],
    RUNGS,
    ["polling"],
  ]);
});

it("knows what to climb to", () => {
  const ladder = new Ladder();
  expect([ladder.above("sse"), ladder.above("websocket")]).toEqual([["websocket", "polling"], []]);
});

it("puts a rung that came to nothing last, for a while", () => {
  let now = 0;
  const ladder = new Ladder(RUNGS, () => now);
  ladder.worked("websocket");
  ladder.cameToNothing("websocket");
  expect(ladder.plan(0)).toEqual(["polling", "sse", "longpoll", "websocket"]);
  now = 10 * 60_000;
  expect(ladder.plan(0)).toEqual(RUNGS);
});
