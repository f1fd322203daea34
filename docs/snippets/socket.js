// In a page: follows a calendar over a plain WebSocket; `slots` is always what is there.
const slots = new Map();
let have = -1;
let cursor = "";

function open() {
  const socket = new WebSocket(`wss://slots.example.org/api/calendars/demo/socket?after=${encodeURIComponent(cursor)}`);
  socket.onmessage = ({ data }) => {
    const said = JSON.parse(data); // at first the answer to subscribing, then a change each time
    if (said.mode === "snapshot") replaceAll(said);
    else if (!(said.changes ?? [said]).every(apply)) socket.close(); // a gap: again from the cursor
  };
  socket.onclose = () => setTimeout(open, 1_000 + 4_000 * Math.random());
}

function replaceAll(snapshot) {
  slots.clear();
  stand(snapshot);
}

function apply(change) {
  if (change.prev > have) return false;
  if (change.seq <= have) return true; // applied before
  for (const id of change.removed) slots.delete(id);
  stand(change);
  return true;
}

function stand(at) {
  for (const slot of at.slots) slots.set(slot.id, slot);
  have = at.seq;
  cursor = at.cursor;
}

open();
