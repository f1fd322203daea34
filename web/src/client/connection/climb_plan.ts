/** Plans the climbs: attempts at a better transport beside the live link, ever more rarely. */

import { CLIMB, delay_ms } from "./backoff.ts";

export class ClimbPlan {
  readonly #climb: () => void;
  #count = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(climb: () => void) {
    this.#climb = climb;
  }

  /** Whether a climb is planned. One that is under way is not planned. */
  get isPlanned(): boolean {
    return this.#timer !== undefined;
  }

  plan(): void {
    clearTimeout(this.#timer);
    const wait = CLIMB.first_ms / 2 + delay_ms(CLIMB, this.#count);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#count += 1;
      this.#climb();
    }, wait);
  }

  /** Begins with short waits again. */
  reset(): void {
    this.#count = 0;
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
