/** Socket.IO over WebSocket or over polling, one rung at a time.
 *
 * engine.io-client probes an upgrade only when it opens, and its own fall-back does not
 * notice a WebSocket that hangs. So upgrade and reconnection are the ladder's and the
 * connection's business here, and a socket has exactly one transport. */

import { io, type Socket } from "socket.io-client";
import { readError, type SlotcastError, timedOut, unreachable } from "./error.ts";
import { ANSWER_MS, type Link, type LinkEvents, type LinkSetting, REQUEST_MS } from "./link.ts";
import type { Reason } from "./state.ts";
import type { Change, Fields, SubscribeAnswer } from "./wire.ts";

type Ack = { readonly ok: true } | { readonly ok: false; readonly error: unknown };

export async function openSocket(
  transport: "websocket" | "polling",
  setting: LinkSetting,
  events: LinkEvents,
): Promise<Link> {
  const { base, token, signal, open_ms } = setting;
  const namespace = setting.isStaff ? "/staff" : "/calendars";
  const socket = io(new URL(namespace, base).href, {
    path: `${base.pathname.replace(/\/$/, "")}/socket.io/`,
    transports: [transport],
    upgrade: false,
    reconnection: false,
    forceNew: true,
    timeout: open_ms,
    auth: token === undefined ? {} : { token },
  });
  const abort = () => socket.disconnect();
  signal.addEventListener("abort", abort);
  try {
    await opened(socket, open_ms);
  } catch (error) {
    socket.disconnect();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
  return attach(socket, transport, setting, events);
}

function opened(socket: Socket, open_ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    // The transport may open and the namespace never answer.
    const timer = setTimeout(() => reject(timedOut()), open_ms);
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.once("connect_error", (error: Error & { data?: unknown }) => {
      clearTimeout(timer);
      reject(readConnectError(error));
    });
    // A proxy may take the WebSocket and hang up before the first packet: no error says so.
    // A refusal closes it too and is told right after: it goes first.
    socket.io.engine?.once("close", () => {
      clearTimeout(timer);
      queueMicrotask(() => reject(unreachable()));
    });
  });
}

/** Only a CONNECT_ERROR packet carries `data`; every other failure is the transport's. */
function readConnectError(error: Error & { data?: unknown }): SlotcastError {
  if (!Object.hasOwn(error, "data")) return unreachable();
  const data = typeof error.data === "object" && error.data !== null ? error.data : {};
  return readError({ code: error.message, message: error.message, ...data });
}

function attach(
  socket: Socket,
  transport: "websocket" | "polling",
  { clock }: LinkSetting,
  events: LinkEvents,
): Link {
  let isClosed = false;
  const lose = (reason: Reason) => {
    if (isClosed) return;
    isClosed = true;
    socket.disconnect();
    events.lost(reason);
  };
  socket.on("disconnect", (reason) =>
    lose(reason === "io server disconnect" ? "server_closed" : "transport_lost"),
  );
  socket.onAny((_type: string, change: Change) => {
    if (!isClosed) events.delivered(change.calendar, { kind: "change", change });
  });
  const subscribed = (calendar: string, sent: number, answer: Ack) => {
    if (isClosed) return;
    if (!answer.ok) {
      const error = readError(answer.error);
      // What passes by itself is tried again by reconnecting, with the back-off's patience.
      if (error.retryable) lose("server_closed");
      else events.delivered(calendar, { kind: "refused", error });
      return;
    }
    const said = answer as unknown as SubscribeAnswer;
    clock.observe(said.server_time, sent, Date.now());
    events.delivered(
      calendar,
      said.mode === "snapshot"
        ? { kind: "snapshot", snapshot: said }
        : { kind: "resumed", resumption: said },
    );
  };
  return {
    transport,
    watch(calendar, position) {
      const sent = Date.now();
      socket
        .timeout(ANSWER_MS)
        .emit("calendar.subscribe", { calendar, ...position }, (late: Error | null, ack: Ack) => {
          if (late) lose("silent");
          else subscribed(calendar, sent, ack);
        });
    },
    unwatch(calendar) {
      socket.emit("calendar.unsubscribe", { calendar }, () => {});
    },
    request: (name, fields) => request(socket, name, fields),
    close() {
      isClosed = true;
      socket.disconnect();
    },
  };
}

function request(socket: Socket, name: string, fields: Fields): Promise<Fields> {
  return new Promise((resolve, reject) => {
    socket.timeout(REQUEST_MS).emit(name, fields, (late: Error | null, ack: Ack) => {
      if (late) reject(timedOut());
      else if (ack.ok) resolve(ack as Fields);
      else reject(readError(ack.error));
    });
  });
}
