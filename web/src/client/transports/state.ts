/** The states of a connection, the moves between them, and a reason for each move. */

export type Transport = "websocket" | "polling" | "sse" | "longpoll";

export type State = "connecting" | "live" | "reconnecting" | "offline" | "closed";

export const REASONS = {
  started: "connect() was called.",
  opened: "A transport opened and every subscribed calendar has answered.",
  climbed: "A better transport works again; it resumed where the other stood.",
  transport_lost: "The transport closed under us.",
  server_closed: "The server ended the connection.",
  silent: "The transport was open but nothing came through it.",
  unreachable: "No transport could be opened.",
  network_lost: "The device says that it has no network.",
  network_back: "The device says that it has a network again.",
  woken: "The page was shown again, or the device woke up.",
  refused: "The server refused the token for good.",
  token_refused: "The server refused the token; a fresh one is asked for.",
  token_late: "The application's token function failed or did not answer in time.",
  ended: "close() was called.",
} as const;

export type Reason = keyof typeof REASONS;

const MOVES: Readonly<Record<State, ReadonlySet<State>>> = {
  connecting: new Set(["live", "reconnecting", "offline", "closed"]),
  live: new Set(["live", "reconnecting", "offline", "closed"]),
  reconnecting: new Set(["live", "reconnecting", "offline", "closed"]),
  offline: new Set(["live", "reconnecting", "offline", "closed"]),
  closed: new Set([]),
};

export interface Status {
  readonly state: State;
  readonly reason: Reason;
  /** The live transport. */
  readonly transport?: Transport;
  /** The time of the next attempt, in local epoch milliseconds. */
  readonly retry_at?: number;
}

/** Returns the next status. An illegal move is a fault of this library, and throws. */
export function move(from: Status, to: Status): Status {
  if (!MOVES[from.state].has(to.state)) {
    throw new Error(`A connection cannot move from ${from.state} to ${to.state}.`);
  }
  return to;
}
