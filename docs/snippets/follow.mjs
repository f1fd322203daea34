import { io } from "socket.io-client";
const socket = io("http://localhost:8080/calendars");
const slots = new Map();
let seq = -1, cursor;

function subscribe() {
  socket.emit("calendar.subscribe", { calendar: "demo", after: cursor }, (answer) => {
    if (answer.error?.retryable) return setTimeout(subscribe, 2_000);
    if (!answer.ok) return console.error(answer.error);
    if (answer.mode === "resumed") return answer.changes.forEach(apply);
    slots.clear();
    put(answer);
  });
}

function apply(change) {
  if (change.seq <= seq) return; // applied before
  if (change.prev > seq) return subscribe(); // a change is missing
  change.removed.forEach((id) => slots.delete(id));
  put(change);
  console.log(change.type, seq, slots.size);
}

function put(message) {
  message.slots.forEach((slot) => slots.set(slot.id, slot));
  ({ seq, cursor } = message);
}

socket.on("connect", subscribe);
socket.onAny((_type, change) => apply(change));
