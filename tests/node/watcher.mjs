// The official client as a watcher of one calendar, by PROTOCOL's whole rule.
//   node watcher.mjs <url> <calendar> <options as JSON>
// Told {"look": true} on stdin, it tells what it has; told {"ask": [request, fields]}, the ack.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const [url, calendar, options = "{}"] = process.argv.slice(2);
const tell = (saw, rest) => console.log(JSON.stringify({ saw, ...rest }));
const socket = io(`${url}/calendars`, { reconnectionDelay: 50, reconnectionDelayMax: 200, ...JSON.parse(options) });
const slots = new Map();
const applied = [];
const modes = [];
const types = new Set();
let window = { from: "", to: "" };
let have = -1;
let cursor;
let gaps = 0;

const covers = (slot) =>
  Date.parse(slot.start) < Date.parse(window.to) && Date.parse(slot.end) > Date.parse(window.from);

function apply(change) {
  if (change.seq <= have) return;
  if (change.prev > have) {
    gaps += 1;
    subscribe();
    return;
  }
  for (const slot of change.slots) {
    if (covers(slot)) slots.set(slot.id, slot);
    else slots.delete(slot.id);
  }
  for (const id of change.removed) slots.delete(id);
  have = change.seq;
  cursor = change.cursor;
  applied.push(change.seq);
  types.add(change.type);
}

function subscribe() {
  socket.emit("calendar.subscribe", { calendar, ...(cursor && { after: cursor }) }, (answer) => {
    if (!answer.ok) return tell("refused", { error: answer.error });
    modes.push(answer.mode);
    if (answer.mode === "snapshot") {
      slots.clear();
      for (const slot of answer.slots) slots.set(slot.id, slot);
      window = { from: answer.from, to: answer.to };
      have = answer.seq;
      cursor = answer.cursor;
    } else {
      answer.changes.forEach(apply);
    }
    tell("subscribed", { mode: answer.mode, transport: socket.io.engine.transport.name });
  });
}

socket.on("connect", () => {
  tell("connected", { transport: socket.io.engine.transport.name });
  subscribe();
});
socket.on("disconnect", (reason) => tell("disconnected", { reason, active: socket.active }));
socket.on("connect_error", (error) => tell("connect_error", { message: error.message, active: socket.active }));
socket.onAny((_type, change) => apply(change));

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { look, ask, reconnect } = JSON.parse(line);
    if (look) {
      tell("copy", {
        slots: [...slots.values()],
        window: [window.from, window.to],
        have,
        cursor,
        applied,
        modes,
        gaps,
        types: [...types],
        transport: socket.io.engine?.transport.name,
      });
    }
    if (ask) socket.emit(...ask, (answer) => tell("ack", { answer }));
    if (reconnect) socket.io.engine.close();
  })
  .on("close", () => process.exit());
