import { io } from "socket.io-client";
const socket = io("http://localhost:8080/calendars"), calendar = "demo", slots = new Map();
let have = -1, cursor;
const put = (list, { seq, cursor: at }) => (list.forEach((slot) => slots.set(slot.id, slot)), (have = seq), (cursor = at));
const apply = (change) => change.prev > have ? subscribe() : change.seq > have &&
  (change.removed.forEach((id) => slots.delete(id)), put(change.slots, change), console.log(change.type, have, slots.size));
const subscribe = () => socket.emit("calendar.subscribe", { calendar, after: cursor }, (answer) =>
  answer.mode === "snapshot" ? (slots.clear(), put(answer.slots, answer)) : answer.changes?.forEach(apply));
socket.onAny((_type, change) => apply(change));
socket.on("connect", subscribe);
