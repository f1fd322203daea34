/** The choices for a connection. */

import type { OpenLink } from "../transports/link.ts";
import type { Transport } from "../transports/state.ts";
import type { ClientStorage } from "../storage.ts";
import type { Environment } from "./environment.ts";
import type { Token } from "./token.ts";

export interface ConnectionSetting {
  readonly token?: Token;
  readonly isStaff?: boolean;
  /** The allowed transports, best first. */
  readonly transports?: readonly Transport[];
  readonly environment?: Environment;
  /** Keeps the commands without an answer: by default the tab's storage, or none outside of a
   * browser. Null keeps them in memory alone. */
  readonly storage?: ClientStorage | null;
  readonly open?: OpenLink;
}
