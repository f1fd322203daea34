/** Opens links: each with its time-out, its liveness and its events. */

import type { ServerClock } from "../transports/clock.ts";
import type { Delivery, OpenLink } from "../transports/link.ts";
import { Liveness } from "../transports/liveness.ts";
import type { Reason, Transport } from "../transports/state.ts";
import type { Environment } from "./environment.ts";
import type { OpenedLink } from "./opened_link.ts";
import type { TokenSource } from "./token.ts";

/** Short at first, so that a blocked WebSocket costs little; longer where the network is slow. */
const OPEN_MS = 4_000;
const LONGEST_OPEN_MS = 20_000;

export interface OpenerParts {
  readonly base: URL;
  readonly isStaff: boolean;
  readonly clock: ServerClock;
  readonly tokens: TokenSource;
  readonly environment: Environment;
  readonly calendars: () => readonly string[];
  readonly open: OpenLink;
  readonly delivered: (opened: OpenedLink, calendar: string, delivery: Delivery) => void;
  readonly lost: (opened: OpenedLink, reason: Reason) => void;
}

export class LinkOpener {
  readonly #parts: OpenerParts;

  constructor(parts: OpenerParts) {
    this.#parts = parts;
  }

  /** Opens a link. The time-out grows with `attempt`, counted from 0 since the last live state. */
  async open(
    transport: Transport,
    token: string | undefined,
    arrival: Reason,
    signal: AbortSignal,
    attempt: number,
  ): Promise<OpenedLink> {
    const { base, isStaff, clock, tokens, environment, open, delivered, lost } = this.#parts;
    const liveness = new Liveness(() => lost(opened, "silent"));
    const opened: OpenedLink = { arrival, awaited: new Set(), liveness };
    const setting = {
      ...{ base, isStaff, token, clock, signal, isRenewable: tokens.isRenewable },
      isVisible: () => environment.isVisible(),
      calendars: this.#parts.calendars(),
      open_ms: Math.min(LONGEST_OPEN_MS, OPEN_MS * (1 + attempt)),
    };
    opened.link = await open(transport, setting, {
      heard: () => liveness.heard(),
      delivered: (calendar, delivery) => delivered(opened, calendar, delivery),
      lost: (reason) => {
        opened.lost = reason;
        lost(opened, reason);
      },
    });
    return opened;
  }

  /** Opens the first of these transports that opens, beside a live link. */
  async openFirst(
    transports: readonly Transport[],
    token: string | undefined,
    signal: AbortSignal,
    attempt: number,
  ): Promise<OpenedLink | undefined> {
    for (const transport of transports) {
      const opening = this.open(transport, token, "climbed", signal, attempt);
      const opened = await opening.catch(() => undefined);
      if (opened !== undefined || signal.aborted) return opened;
    }
    return undefined;
  }
}
