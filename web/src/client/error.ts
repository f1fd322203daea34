/** Errors: each has a code, a message, and whether a retry can help. */

import type { ServerErrorCode } from "./wire.ts";

export type ErrorCode =
  | ServerErrorCode
  /** From the client: no answer came in time. The command may have been done. */
  | "timeout"
  /** From the client: the request did not get through. */
  | "unreachable"
  /** From the client: it was closed. */
  | "closed";

export interface ErrorBody {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly details?: Readonly<Record<string, unknown>> | null;
}

export class SlotcastError extends Error {
  override readonly name = "SlotcastError";
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
  /** The wait that the server asks for, in milliseconds. */
  readonly retry_after_ms: number;
  /** The key of a command without an answer. A retry with it is done once. */
  key: string | undefined;

  /** HTTP says how long to wait in a header, Socket.IO in `details`. */
  constructor(body: ErrorBody, retry_after_ms = 0) {
    super(body.message);
    this.code = body.code;
    this.retryable = body.retryable;
    this.key = undefined;
    this.details = body.details ?? {};
    this.retry_after_ms = Math.max(retry_after_ms, Number(this.details.retry_after) * 1_000 || 0);
  }
}

export const timedOut = (): SlotcastError =>
  new SlotcastError({ code: "timeout", message: "The server did not answer.", retryable: true });

/** Makes the error for no answer, or for an answer of a login wall or another service. */
export const unreachable = (retry_after_ms = 0): SlotcastError =>
  new SlotcastError(
    { code: "unreachable", message: "The server could not be reached.", retryable: true },
    retry_after_ms,
  );

/** Reads the `error` of an ack or a problem document. Anything else becomes `internal`. */
export function readError(value: unknown, retry_after_ms = 0): SlotcastError {
  const body = (typeof value === "object" && value !== null ? value : {}) as Partial<ErrorBody> & {
    readonly title?: string;
    readonly detail?: string;
  };
  return new SlotcastError(
    {
      code: body.code ?? "internal",
      message: body.message ?? body.detail ?? body.title ?? "The server gave no reason.",
      retryable: body.retryable ?? false,
      details: body.details ?? {},
    },
    retry_after_ms,
  );
}

/** Passing faults: the same request under the same key may be sent again. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  "timeout",
  "unreachable",
  "overloaded",
  "internal",
  "rate_limited",
]);

export const isPassing = (error: SlotcastError): boolean => PASSING.has(error.code);
