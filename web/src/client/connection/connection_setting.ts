/** The choices for a connection. */

import type { OpenLink } from "../transports/link.ts";
import type { Transport } from "../transports/state.ts";
import type { Environment } from "./environment.ts";
import type { Token } from "./token.ts";

export interface ConnectionSetting {
  readonly token?: Token;
  readonly isStaff?: boolean;
  /** The allowed transports, best first. */
  readonly transports?: readonly Transport[];
  readonly environment?: Environment;
  readonly open?: OpenLink;
}
