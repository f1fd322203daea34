/** Reports the day in view while the visitor scrolls. */

/** The share of the screen's height at which people read. */
const EYE_LEVEL = 0.3;

export class DaySpy {
  readonly #observer: IntersectionObserver;
  readonly #board: HTMLElement;
  readonly #see: (key: string) => void;

  constructor(board: HTMLElement, see: (key: string) => void) {
    this.#board = board;
    this.#see = see;
    const rootMargin = "-20% 0px -60% 0px";
    this.#observer = new IntersectionObserver(() => this.#look(), { rootMargin });
  }

  watch(section: Element | undefined): void {
    if (section !== undefined) this.#observer.observe(section);
  }

  close(): void {
    this.#observer.disconnect();
  }

  #look(): void {
    const level = window.innerHeight * EYE_LEVEL;
    for (const section of this.#board.querySelectorAll<HTMLElement>(".day")) {
      if (section.getBoundingClientRect().bottom < level) continue;
      this.#see(section.dataset.day ?? "");
      return;
    }
  }
}
