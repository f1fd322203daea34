/** `AbortSignal.timeout` and `AbortSignal.any`, which React Native and some browsers do not have. */

export interface Limit {
  readonly signal: AbortSignal;
  /** Whether the time is over. */
  readonly isOver: () => boolean;
  readonly clear: () => void;
}

/** Aborts after a time, or with the other signal. The caller clears it at the end. */
export function limitOf(timeout_ms: number, other?: AbortSignal | null): Limit {
  const controller = new AbortController();
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    controller.abort();
  }, timeout_ms);
  const abort = () => controller.abort();
  if (other?.aborted) abort();
  other?.addEventListener("abort", abort);
  return {
    signal: controller.signal,
    isOver: () => isOver,
    clear() {
      clearTimeout(timer);
      other?.removeEventListener("abort", abort);
    },
  };
}
