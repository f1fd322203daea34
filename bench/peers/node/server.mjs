// Node's socket.io on ws, deflate off: the same words on the wire, with the change and the snapshot given to it.
//   node server.mjs PORT SAMPLE    SAMPLE: JSON of {change, snapshot}
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Server } from "socket.io";

const [port, file] = process.argv.slice(2);
const { change, snapshot } = JSON.parse(readFileSync(file, "utf8"));
const http = createServer((_request, response) => response.end("ok"));
const io = new Server(http, { perMessageDeflate: false, httpCompression: false, serveClient: false });
const calendars = io.of("/calendars");
const room = `calendar:${change.calendar}`;

function send(t) {
  change.prev = snapshot.seq;
  change.seq = ++snapshot.seq;
  change.slots[0].data.t = t;
  calendars.to(room).emit(change.type, change);
}

calendars.on("connection", (socket) => {
  socket.on("calendar.subscribe", (_request, answer) => {
    socket.join(room);
    answer(snapshot);
  });
  socket.on("emit", ({ t, count }, answer) => {
    for (let done = 0; done < count; done++) send(t);
    answer({ ok: true });
  });
});
http.listen({ port: Number(port), host: "127.0.0.1", backlog: 4096 });
