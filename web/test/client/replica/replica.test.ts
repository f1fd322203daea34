import { describe, expect, it } from "vitest";
import { Replica } from "../../../src/client/replica/replica";
import { BookingReplica } from "../../../src/client/replica/booking_replica";
import type { StaffBooking } from "../../../src/client";
import { change, info, slot, snapshot } from "../../support/make";

const loaded = (seq = 5): Replica => {
  const replica = new Replica();
  replica.applySnapshot(snapshot(seq, [slot("b", 10), slot("a", 9)]));
  return replica;
};
const ids = (replica: Replica) => replica.slots.map(({ id }) => id);

describe("a client's whole rule", () => {
  it("asks for a snapshot before it applies anything", () => {
    expect(new Replica().apply(change(1, []))).toBe("gap");
  });

  it("sorts a snapshot by time and starts from its seq and cursor", () => {
    const replica = loaded();
    expect([ids(replica), replica.seq, replica.cursor]).toEqual([["a", "b"], 5, "5.n"]);
  });

  it("applies the next change whole: slots upserted, removed deleted, cursor kept", () => {
    const replica = loaded();
    const booked = slot("a", 9, { status: "booked", remaining: 0 });
    expect(replica.apply(change(6, [booked, slot("c", 8)], { removed: ["b"] }))).toBe("applied");
    expect([ids(replica), replica.slot("a"), replica.cursor]).toEqual([["c", "a"], booked, "6.n"]);
  });

  it("drops what it has, so that delivery may repeat", () => {
    const replica = loaded();
    replica.apply(change(6, [slot("a", 9, { status: "booked" })]));
    expect(replica.apply(change(6, [slot("a", 9)]))).toBe("dropped");
    expect(replica.apply(change(5, [], { removed: ["a"] }))).toBe("dropped");
    expect(replica.slot("a")?.status).toBe("booked");
  });

  it("applies nothing of a change behind a gap", () => {
    const replica = loaded();
    expect(replica.apply(change(7, [], { removed: ["a"] }))).toBe("gap");
    expect([ids(replica), replica.seq]).toEqual([["a", "b"], 5]);
  });

  it("takes a merged change choice prev it has passed", () => {
    const replica = loaded();
    expect(replica.apply(change(9, [], { prev: 3, removed: ["b"] }))).toBe("applied");
    expect(replica.seq).toBe(9);
  });

  it("goes back with a snapshot choice seq is lower", () => {
    const replica = loaded(50);
    replica.applySnapshot(snapshot(2, [slot("z", 11)]));
    expect([ids(replica), replica.seq, replica.cursor]).toEqual([["z"], 2, "2.n"]);
    expect(replica.apply(change(3, []))).toBe("applied");
  });

  it("starts at seq 0 on a calendar that nothing happened to", () => {
    const replica = new Replica();
    replica.applySnapshot(snapshot(0, []));
    expect(replica.apply(change(1, [slot("a", 9)]))).toBe("applied");
  });

  it("drops what is outside its window, and what moves out of it", () => {
    const replica = loaded();
    const tomorrow = { start: "2026-11-25T00:00:00Z", end: "2026-11-25T01:00:00Z" };
    replica.apply(change(6, [slot("c", 9, tomorrow), slot("a", 9, tomorrow)]));
    expect([ids(replica), replica.seq]).toEqual([["b"], 6]);
  });

  it("takes info from the change that carries it", () => {
    const replica = loaded();
    replica.apply(change(6, [], { info: { ...info, name: "New" } }));
    expect(replica.info?.name).toBe("New");
  });

  it("gives the same array until a slot changes, and then another", () => {
    const replica = loaded();
    const before = replica.slots;
    replica.apply(change(6, []));
    expect(replica.slots).toBe(before);
    replica.apply(change(7, [slot("a", 9)]));
    expect(replica.slots).not.toBe(before);
  });

  it("has each slot in the place of its time after any number of changes", () => {
    const replica = new Replica();
    const times = Array.from({ length: 20 }, (_, place) => slot(`s${place}`, place % 7));
    replica.applySnapshot(snapshot(5, times));
    let seq = 5;
    for (const number of [0, 1, 3, 60, 250]) {
      for (let left = number; left > 0; left -= 1) {
        seq += 1;
        const place = (seq * 7) % 20;
        const hour = seq % 50 === 0 ? 20 : place % 7;
        replica.apply(change(seq, [slot(`s${place}`, hour, { version: seq })]));
      }
      const whole = new Replica();
      whole.applySnapshot(snapshot(seq, [...replica.slots]));
      expect(replica.slots).toEqual(whole.slots);
      for (const one of replica.slots) expect(replica.slot(one.id)).toBe(one);
    }
  });

  it("ends in the same state whatever is repeated on the way", () => {
    const changes = [6, 7, 8, 9].map((seq) =>
      change(seq, [slot("a", 9, { version: seq })], seq === 8 ? { removed: ["b"] } : {}),
    );
    const once = loaded();
    for (const one of changes) once.apply(one);
    const often = loaded();
    for (const end of [1, 3, 2, 4]) for (const one of changes.slice(0, end)) often.apply(one);
    expect([often.slots, often.seq]).toEqual([once.slots, once.seq]);
  });
});

describe("the roster of bookings", () => {
  const booking = (version: number, status: StaffBooking["status"]): StaffBooking => ({
    id: "x",
    calendar: "demo",
    slot: "a",
    seats: 1,
    status,
    customer: null,
    created_at: "2026-11-23T12:00:00Z",
    version,
  });

  it("never lets an older picture overwrite a newer one", () => {
    const roster = new BookingReplica();
    roster.applySnapshot([booking(2, "confirmed")]);
    roster.apply([booking(4, "cancelled")]);
    roster.apply([booking(3, "pending")]);
    expect(roster.all.map(({ status }) => status)).toEqual(["cancelled"]);
  });
});
