// The official client, told what to do on stdin and telling what it sees on stdout, one JSON a line.
//   node engine_client.mjs <url> <options as JSON>
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const [url, options] = process.argv.slice(2);
const tell = (saw, rest) => console.log(JSON.stringify({ saw, ...rest }));
const socket = io(url, { reconnectionDelay: 20, reconnectionDelayMax: 50, ...JSON.parse(options) });
const transport = () => socket.io.engine?.transport.name;

socket.on("connect", () => {
  tell("connect", { sid: socket.id, transport: transport() });
});
socket.io.on("open", () => {
  const { engine } = socket.io;
  engine.on("upgrade", () => tell("upgrade", { transport: transport() }));
  engine.on("packet", ({ type }) => type === "noop" && tell("noop", { transport: transport() }));
});
socket.on("disconnect", (reason) => tell("disconnect", { reason, active: socket.active }));
socket.on("connect_error", (error) => tell("connect_error", { message: error.message, active: socket.active }));
socket.onAny((...event) => tell("event", { event }));

createInterface({ input: process.stdin }).on("line", (line) => {
  const { emit, times = 1, exit = false } = JSON.parse(line);
  if (exit) process.exit();
  for (let number = 0; number < times; number += 1) {
    socket.emit(...emit, number, (...answer) => tell("ack", { number, answer }));
  }
});
