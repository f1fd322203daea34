// In a page, or in Node 22: follows a calendar, and books its first free slot.
const socket = new WebSocket("ws://localhost:8080/");
const waiting = new Map();
function ask(request, fields) {
  const id = crypto.randomUUID(); // the key too: send both again after a lost answer
  socket.send(JSON.stringify({ id, request, fields: { ...fields, key: id } }));
  return new Promise((resolve) => waiting.set(id, resolve));
}
socket.onopen = () => socket.send(JSON.stringify({ subscribe: "demo" }));
socket.onmessage = async ({ data }) => {
  const message = JSON.parse(data);
  console.log(data); // the snapshot, then each change and each answer
  if (message.id) return waiting.get(message.id)(message);
  const free = message.subscribe && message.slots.find((slot) => slot.bookable);
  if (free) await ask("slot.book", { slot: free.id, customer: { name: "Ada Lovelace" } });
};
