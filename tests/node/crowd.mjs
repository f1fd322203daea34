// Many clients in one process, each of one calendar and one kind: socket.io-client, or the client library.
//   node crowd.mjs <url> <file of the client library> <first delay of a reconnect in ms> <[[kind, calendar], …]>
// A line {"look": true} on stdin is answered with the copy of each one. Ages count from the look before.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { io } from "socket.io-client";

const [url, libraryFile, delay, list] = process.argv.slice(2);
const { connect } = await import(pathToFileURL(libraryFile).href);
const tell = (saw, rest) => console.log(JSON.stringify({ saw, ...rest }));
const RETRY_MS = 100;

class Copy {
  runs = []; // the applied seqs: [first, last] of each run without a gap
  snapshots = 0;
  age_ms = 0; // the greatest age of a change when it was applied
  slots = new Map();
  window = { from: "", to: "" };
  have = -1;

  constructor(kind, calendar) {
    this.kind = kind;
    this.calendar = calendar;
  }

  applied({ seq, at }) {
    const run = this.runs.at(-1);
    if (run?.[1] === seq - 1) run[1] = seq;
    else this.runs.push([seq, seq]);
    this.age_ms = Math.max(this.age_ms, Date.now() - Date.parse(at));
  }

  look() {
    const { kind, calendar, runs, snapshots, age_ms, have } = this;
    this.age_ms = 0;
    return { kind, calendar, runs, snapshots, age_ms, have, slots: [...this.slots.values()] };
  }
}

/** The whole rule of the protocol, by the official client. */
class Official extends Copy {
  constructor(kind, calendar) {
    super(kind, calendar);
    const transports = kind.split(" ").slice(1);
    this.socket = io(`${url}/calendars`, {
      ...{ forceNew: true, transports, reconnectionDelay: Number(delay) },
      reconnectionDelayMax: 5 * Number(delay),
    });
    this.socket.on("connect", () => this.subscribe());
    this.socket.onAny((_type, change) => this.take(change));
  }

  subscribe() {
    const { calendar, cursor, socket } = this;
    socket.emit("calendar.subscribe", { calendar, ...(cursor && { after: cursor }) }, (answer) => {
      if (answer.error?.retryable) return setTimeout(() => socket.connected && this.subscribe(), RETRY_MS);
      if (!answer.ok) return tell("refused", answer);
      if (answer.mode === "resumed") return answer.changes.forEach((change) => this.take(change));
      this.snapshots += 1;
      this.window = answer;
      this.slots = new Map(answer.slots.map((slot) => [slot.id, slot]));
      ({ seq: this.have, cursor: this.cursor } = answer);
    });
  }

  take(change) {
    if (change.seq <= this.have) return;
    if (change.prev > this.have) return this.subscribe();
    const [from, to] = [Date.parse(this.window.from), Date.parse(this.window.to)];
    for (const slot of change.slots) {
      if (Date.parse(slot.start) < to && Date.parse(slot.end) > from) this.slots.set(slot.id, slot);
      else this.slots.delete(slot.id);
    }
    for (const id of change.removed) this.slots.delete(id);
    ({ seq: this.have, cursor: this.cursor } = change);
    this.applied(change);
  }
}

/** The library does it all. */
class Library extends Copy {
  constructor(kind, calendar) {
    super(kind, calendar);
    const live = connect(url, { transports: kind.split(" ").slice(1) }).calendar(calendar);
    live.subscribe((event) => {
      if (event.kind === "refused") return tell("refused", { error: event.error.code });
      if (event.kind === "snapshot") this.snapshots += 1;
      else this.applied(event.change);
      this.have = live.seq;
      this.slots = new Map(live.slots.map((slot) => [slot.id, slot]));
    });
  }
}

const copies = JSON.parse(list).map(([kind, calendar]) =>
  kind.startsWith("library ") ? new Library(kind, calendar) : new Official(kind, calendar),
);

createInterface({ input: process.stdin })
  .on("line", () => tell("copies", { copies: copies.map((copy) => copy.look()) }))
  .on("close", () => process.exit());
