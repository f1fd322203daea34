/** Socket.IO over WebSocket or over polling, one rung at a time.
 *
 * engine.io-client probes an upgrade only when it opens, and its own fall-back does not
 * notice a WebSocket that hangs. The ladder upgrades and the connection
 * reconnects instead. A socket has exactly one transport. */

import { io, type Socket } from "socket.io-client";
import { SlotcastError, timedOut, unreachable } from "../error.ts";
import { ANSWER_MS, type Link, type LinkEvents, type LinkSetting, REQUEST_MS } from "./link.ts";
import { fits, isAbout, isChange, isSubscribed, readAck, readRefusal, shapeOf } from "../shape.ts";
import type { Reason } from "./state.ts";
import type { Fields, SubscribeAnswer } from "../wire.ts";

export async function openSocket(
  transport: "websocket" | "polling",
  setting: LinkSetting,
  events: LinkEvents,
): Promise<Link> {
  const { base, token, signal, open_ms, calendars } = setting;
  // A load balancer can choose the server by the only calendar.
  const calendar = calendars.length === 1 ? calendars[0] : undefined;
  const namespace = setting.isStaff ? "/staff" : "/calendars";
  const socket = io(new URL(namespace, base).href, {
    path: `${base.pathname.replace(/\/$/, "")}/socket.io/`,
    transports: [transport],
    upgrade: false,
    reconnection: false,
    forceNew: true,
    timeout: open_ms,
    auth: token === undefined ? {} : { token },
    query: { beat: "1", ...(calendar !== undefined && { calendar }) },
  });
  let heartbeat_ms: number | undefined;
  // The server's own field `beatInterval` promises heartbeats.
  socket.io.engine?.once("handshake", (said: object) => {
    if (fits(said, { beatInterval: "number" })) heartbeat_ms = said.beatInterval as number;
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
  return attach(socket, transport, setting, events, heartbeat_ms);
}

function opened(socket: Socket, open_ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    // The transport may open without an answer of the namespace.
    const timer = setTimeout(() => reject(timedOut()), open_ms);
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.once("connect_error", (error: Error & { data?: unknown }) => {
      clearTimeout(timer);
      reject(readConnectError(error));
    });
    // A proxy may take the WebSocket and close it before the first packet, without an error. A
    // refusal closes it too, but its event comes first.
    socket.io.engine?.once("close", () => {
      clearTimeout(timer);
      queueMicrotask(() => reject(unreachable()));
    });
  });
}

/** Reads a failed CONNECT. Only this server's CONNECT_ERROR packet has a refusal in its `data`.
 * Every other failure is the transport's, or another server's. */
function readConnectError({ data }: Error & { data?: unknown }): SlotcastError {
  return readRefusal(data);
}

function attach(
  socket: Socket,
  transport: "websocket" | "polling",
  { clock, isRenewable }: LinkSetting,
  events: LinkEvents,
  heartbeat_ms: number | undefined,
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
  socket.io.engine?.on("packet", () => {
    if (!isClosed) events.heard();
  });
  socket.onAny((_type: string, change: unknown) => {
    if (isClosed || !isChange(change)) return;
    events.delivered(change.calendar, { kind: "change", change });
  });
  const subscribed = (calendar: string, sent: number, ack: unknown) => {
    if (isClosed) return;
    let said: SubscribeAnswer;
    try {
      said = readAck(ack, isSubscribed) as unknown as SubscribeAnswer;
    } catch (error) {
      if (!(error instanceof SlotcastError)) throw error;
      // A passing error is tried again by a reconnect, with its back-off. So is an ended token, if
      // there may be a fresh one.
      const isEnded = error.code === "unauthorized" && isRenewable;
      if (error.retryable || isEnded) lose("server_closed");
      else events.delivered(calendar, { kind: "refused", error });
      return;
    }
    clock.observe(said.server_time, sent, clock.local());
    events.delivered(
      calendar,
      said.mode === "snapshot"
        ? { kind: "snapshot", snapshot: said }
        : { kind: "resumed", resumption: said },
    );
  };
  return {
    transport,
    heartbeat_ms,
    subscribe(calendar, position) {
      const sent = clock.local();
      socket
        .timeout(ANSWER_MS)
        .emit(
          "calendar.subscribe",
          { calendar, ...position },
          (late: Error | null, ack: unknown) => {
            if (late) lose("silent");
            else subscribed(calendar, sent, ack);
          },
        );
    },
    unsubscribe(calendar) {
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
    socket.timeout(REQUEST_MS).emit(name, fields, (late: Error | null, ack: unknown) => {
      if (late) return reject(timedOut());
      try {
        resolve(
          readAck(ack, (answer) => fits(answer, shapeOf(name)) && isAbout(name, fields, answer)),
        );
      } catch (error) {
        reject(error as SlotcastError);
      }
    });
  });
}
