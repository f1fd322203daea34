import { expect, it } from "vitest";
import { EventParser } from "../../../src/client/transports/sse";

it("reads events whatever pieces the text comes in", () => {
  const text =
    ': hi\nretry: 2000\n\nid: 6.n\ndata: {"a":\ndata: 1}\n\nevent: snapshot\r\ndata: x\r\n\r\n';
  const expected = [
    { event: "message", data: '{"a":\n1}', id: "6.n" },
    { event: "snapshot", data: "x", id: "6.n" },
  ];
  for (let size = 1; size <= text.length; size += 1) {
    const parser = new EventParser();
    const events = [];
    for (let at = 0; at < text.length; at += size)
      events.push(...parser.feed(text.slice(at, at + size)));
    expect(events).toEqual(expected);
  }
});

it("gives nothing for comments and for events without data", () => {
  expect(new EventParser().feed(": beat\n\nevent: ping\n\n")).toEqual([]);
});
