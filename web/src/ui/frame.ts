/** Draws at most once a frame. A hidden page has no frames, so a timer draws there: the page is
 * right when the visitor returns. */

const HIDDEN_MS = 60;

export class Frame {
  readonly #draw: () => void;
  #isDue = false;
  #isStopped = false;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  plan(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    if (document.visibilityState === "visible") requestAnimationFrame(() => this.#run());
    setTimeout(() => this.#run(), HIDDEN_MS);
  }

  now(): void {
    this.#isDue = true;
    this.#run();
  }

  /** Stops drawing, also a planned draw. */
  stop(): void {
    this.#isStopped = true;
  }

  #run(): void {
    if (!this.#isDue || this.#isStopped) return;
    this.#isDue = false;
    this.#draw();
  }
}
