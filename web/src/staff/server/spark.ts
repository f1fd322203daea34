/** A small line of the last values of a number. */

const WIDTH = 120;
const HEIGHT = 28;
/** Two minutes, by a value a second. */
const MOST_VALUES = 120;
const SVG = "http://www.w3.org/2000/svg";

export class Spark {
  readonly element = document.createElementNS(SVG, "svg");
  readonly #line = document.createElementNS(SVG, "polyline");
  readonly #values: number[] = [];

  constructor() {
    this.element.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.element.setAttribute("class", "spark");
    this.element.setAttribute("aria-hidden", "true");
    this.element.setAttribute("preserveAspectRatio", "none");
    this.element.append(this.#line);
  }

  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > MOST_VALUES) this.#values.shift();
    this.#line.setAttribute("points", sparkPoints(this.#values));
  }
}

/** Returns the points of the line: the newest value stands at the right end, and 0 at the bottom. */
export function sparkPoints(values: readonly number[]): string {
  const most = Math.max(1, ...values);
  const step = WIDTH / (MOST_VALUES - 1);
  const first = MOST_VALUES - values.length;
  return values
    .map((value, place) => {
      const x = (first + place) * step;
      const y = HEIGHT - 1 - (value / most) * (HEIGHT - 2);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}
