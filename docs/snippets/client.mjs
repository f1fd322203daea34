// node client.mjs [url] [calendar] [book]
// Follows a calendar and prints its position; with "book" it also books the first free slot.
import { io } from "socket.io-client";

const [url = "http://localhost:8080", calendar = "demo", action = ""] = process.argv.slice(2);
const socket = io(`${url}/calendars`, { transports: ["websocket", "polling"] });
const slots = new Map();
let have = -1;
let cursor;
let loaded;
const isLoaded = new Promise((resolve) => (loaded = resolve));

// A callback, not `await`: what follows an await may run after the next change.
function subscribe() {
  socket.emit("calendar.subscribe", { calendar, after: cursor }, (answer) => {
    if (!answer.ok) {
      console.error(answer.error);
      if (answer.error.retryable) setTimeout(subscribe, 1_000 + 1_000 * Math.random());
    } else if (answer.mode === "snapshot") {
      slots.clear();
      for (const slot of answer.slots) slots.set(slot.id, slot);
      keepCursor(answer);
    } else {
      for (const change of answer.changes) apply(change);
      keepCursor(answer);
    }
    if (answer.ok) loaded();
  });
}

function apply(change) {
  if (change.seq <= have) return; // applied before
  if (change.prev > have) return subscribe(); // a gap
  for (const slot of change.slots) slots.set(slot.id, slot);
  for (const id of change.removed) slots.delete(id);
  keepCursor(change);
}

function keepCursor(message) {
  have = message.seq;
  cursor = message.cursor;
  const free = [...slots.values()].filter((slot) => slot.bookable).length;
  console.log(JSON.stringify({ seq: have, slots: slots.size, free }));
}

// One key for all tries: a retry after a lost answer books once.
async function mutate(name, fields, key = crypto.randomUUID()) {
  for (let wait = 500; ; wait = Math.min(2 * wait, 15_000)) {
    try {
      const answer = await socket.timeout(5_000).emitWithAck(name, { ...fields, key });
      if (answer.ok) return answer;
      if (!answer.error.retryable) throw Object.assign(new Error(answer.error.message), answer.error);
    } catch (error) {
      if (error.code) throw error; // refused; an error without a code is a time-out
    }
    await new Promise((resolve) => setTimeout(resolve, wait * Math.random()));
  }
}

async function bookFirstFree() {
  await isLoaded;
  const slot = [...slots.values()].sort((a, b) => a.start.localeCompare(b.start)).find((slot) => slot.bookable);
  const { hold } = await mutate("slot.hold", { slot: slot.id });
  const customer = { name: "Ada Lovelace" };
  const proof = { id: hold.id, token: hold.token };
  const { booking } = await mutate("slot.book", { slot: slot.id, hold: proof, customer });
  console.log(JSON.stringify({ booked: booking.slot, status: booking.status }));
  // Keep booking.id and booking.token: they cancel it. They belong in no log and no URL.
}

socket.on("connect", subscribe); // the first time, and after each break
socket.onAny((_type, change) => apply(change));
socket.on("connect_error", (error) => {
  if (!socket.active) console.error("refused for good:", error.data ?? error.message);
});
if (action === "book") await bookFirstFree();
