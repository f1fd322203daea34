// In a page: follows a calendar over a plain WebSocket; `slots` is always what is there.
const slots = new Map();
let have = -1;
let cursor = "";

function open() {
  const socket = new WebSocket(`wss://slots.example.org/api/calendars/demo/socket?after=${encodeURIComponent(cursor)}`);
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data); // the subscribe answer first, then changes
    if (message.mode === "snapshot") replaceAll(message);
    else if (!(message.changes ?? [message]).every(apply)) socket.close(); // a gap: reconnect with the cursor
  };
  socket.onclose = ({ code }) => {
    const [least, spread] = code === 1001 ? [0, 2_000] : [1_000, 4_000]; // 1001: the server is stopping
    setTimeout(open, least + spread * Math.random());
  };
}

function replaceAll(snapshot) {
  slots.clear();
  put(snapshot);
}

function apply(change) {
  if (change.prev > have) return false;
  if (change.seq <= have) return true; // applied before
  for (const id of change.removed) slots.delete(id);
  put(change);
  return true;
}

function put(message) {
  for (const slot of message.slots) slots.set(slot.id, slot);
  have = message.seq;
  cursor = message.cursor;
}

open();
