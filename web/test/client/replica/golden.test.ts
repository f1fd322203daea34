/** The server's golden messages, made by its own types, read by this side of the wire. */

import { describe, expect, it } from "vitest";
import { type ErrorCode, readError, SlotcastError } from "../../../src/client/error";
import { Replica } from "../../../src/client/replica/replica";
import { EventParser, type ServerSentEvent } from "../../../src/client/transports/sse";
import type {
  CalendarInfo,
  Change,
  ChangeType,
  ServerErrorCode,
  Slot,
  Snapshot,
  StaffBooking,
  SubscribeAnswer,
} from "../../../src/client/wire";

const files = import.meta.glob<string>("../../../../tests/golden/*.json", {
  query: "?raw",
  import: "default",
  eager: true,
});

function golden<Message>(name: string): Message {
  const text = files[`../../../../tests/golden/${name}.json`];
  if (text === undefined) throw new Error(`there is no golden ${name}`);
  return JSON.parse(text) as Message;
}

interface End {
  readonly seq: number;
  readonly cursor: string;
  readonly info: CalendarInfo;
  readonly slots: readonly Slot[];
}

const standing = ({ seq, cursor, info, slots }: Replica) => ({ seq, cursor, info, slots });

function started(): Replica {
  const replica = new Replica();
  replica.applySnapshot(golden<Snapshot>("snapshot"));
  return replica;
}

describe("golden messages", () => {
  it("snapshot and changes end where the server says", () => {
    const replica = started();
    for (const change of golden<Change[]>("changes")) expect(replica.apply(change)).toBe("applied");
    expect(standing(replica)).toEqual(golden<End>("end"));
  });

  it("a resumption brings the same changes, and having them again changes nothing", () => {
    const answer = golden<SubscribeAnswer>("resumed");
    if (answer.mode !== "resumed") throw new Error(answer.mode);
    const replica = started();
    for (const change of [...answer.changes, ...golden<Change[]>("changes")]) replica.apply(change);
    expect(standing(replica)).toEqual(golden<End>("end"));
    expect([replica.seq, replica.cursor]).toEqual([answer.seq, answer.cursor]);
  });

  it("there is one change of each type", () => {
    const types = golden<Change[]>("changes").map(({ type }) => type as ChangeType);
    expect(new Set(types).size).toBe(types.length);
    expect(types).toContain("slot.booked" satisfies ChangeType);
  });

  it("staff's changes bring the bookings with them", () => {
    for (const { bookings, seq } of golden<Change[]>("staff_changes"))
      expect(bookings?.[0]).toMatchObject({ version: seq, status: "confirmed" });
    const [booking] = golden<Snapshot & { bookings: StaffBooking[] }>("staff_snapshot").bookings;
    expect(booking?.customer?.note).toBe("0x1F 🎹");
  });

  it("each error is read with its code, over sockets and over HTTP", () => {
    const errors = golden<Record<ServerErrorCode, { ok: false; error: object }>>("errors");
    const problems = golden<Record<ServerErrorCode, { status: number; body: object }>>("problems");
    const retryable = new Set<ErrorCode>(["rate_limited", "internal", "overloaded"]);
    for (const code of Object.keys(errors) as (ServerErrorCode & ErrorCode)[])
      for (const error of [readError(errors[code].error), readError(problems[code].body)]) {
        expect(error).toBeInstanceOf(SlotcastError);
        expect([error.code, error.retryable]).toEqual([code, retryable.has(code)]);
        expect(error.message).not.toBe("");
      }
    expect(Object.keys(problems)).toEqual(Object.keys(errors));
  });

  it("every code of the server is one that this client knows", () => {
    const known: Exclude<ServerErrorCode, ErrorCode> extends never ? true : false = true;
    expect(known).toBe(true);
  });

  it("an event stream is read whole, however it is cut", () => {
    const { snapshot, changes } = golden<Record<string, string>>("events");
    const text = `${snapshot ?? ""}${changes ?? ""}`;
    for (const length of [1, 7, 4096]) {
      const parser = new EventParser();
      const events: ServerSentEvent[] = [];
      for (let place = 0; place < text.length; place += length)
        events.push(...parser.feed(text.slice(place, place + length)));
      const replica = new Replica();
      for (const { event, data, id } of events) {
        if (event === "snapshot") replica.applySnapshot(JSON.parse(data) as Snapshot);
        else expect(replica.apply(JSON.parse(data) as Change)).toBe("applied");
        expect(id).toBe(replica.cursor);
      }
      expect(standing(replica)).toEqual(golden<End>("end"));
    }
  });

  it("a reset says so by name, and a snapshot follows", () => {
    const { reset } = golden<Record<string, string>>("events");
    const events = new EventParser().feed(reset ?? "");
    expect(events.map(({ event }) => event)).toEqual(["reset", "snapshot"]);
  });
});
