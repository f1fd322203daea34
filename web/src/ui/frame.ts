/** Draws at most once a frame, however many changes came; also in a hidden page, which has no
 * frames but choice tests and choice return to the front want it right. */

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

  /** Nothing is drawn any more, not even what was planned. */
  stop(): void {
    this.#isStopped = true;
  }

  #run(): void {
    if (!this.#isDue || this.#isStopped) return;
    this.#isDue = false;
    this.#draw();
  }
}
