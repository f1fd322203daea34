/** The texts of figures: counts, times and spans. */

import { locale, texts } from "../texts";

export const countText = (value: number): string =>
  value.toLocaleString(locale.language, { maximumFractionDigits: value < 100 ? 1 : 0 });

export const secondsText = (seconds: number): string =>
  seconds < 1
    ? texts.server.milliseconds(Math.round(seconds * 1_000))
    : texts.server.seconds(countText(seconds));

export const boundText = (bound: string): string =>
  bound === "+Inf" ? texts.server.longer : texts.server.upTo(secondsText(Number(bound)));

/** Returns a span of seconds in its two largest units. */
export function spanText(seconds: number): string {
  const { days, hours, minutes, seconds: rest } = texts.server;
  const units: readonly (readonly [number, (count: number) => string])[] = [
    [86_400, days],
    [3_600, hours],
    [60, minutes],
    [1, (count) => rest(String(count))],
  ];
  const at = Math.max(
    0,
    units.findIndex(([size]) => seconds >= size),
  );
  const parts: string[] = [];
  let left = Math.max(0, Math.floor(seconds));
  for (const [size, unit] of seconds < 1 ? units.slice(-1) : units.slice(at, at + 2)) {
    parts.push(unit(Math.floor(left / size)));
    left %= size;
  }
  return parts.join(" ");
}
