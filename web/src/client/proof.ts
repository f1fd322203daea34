/** Proofs of work: finds the number of a challenge by trying. The server asks for one where a calendar's
 * policy has `verification: "proof"`. */

import type { Shape } from "./shape_part.ts";

const CHALLENGE: Shape = {
  challenge: "string",
  maxnumber: "number",
  salt: "string",
  signature: "string",
};

export interface Challenge {
  readonly algorithm: string;
  readonly challenge: string;
  readonly maxnumber: number;
  readonly salt: string;
  readonly signature: string;
}

const K = new Int32Array(64);
const START = new Int32Array(8);
const WORDS = new Int32Array(64);
/** The tries between two breaks, in which the page can move. */
const TRIES_AT_ONCE = 2_000;

// The fractions of the roots of the first primes (FIPS 180-4, 4.2.2 and 5.3.3).
for (let prime = 2, count = 0; count < 64; prime += 1) {
  let divisor = 2;
  while (prime % divisor !== 0) divisor += 1;
  if (divisor < prime) continue;
  const fraction = (root: number): number => ((root - Math.floor(root)) * 2 ** 32) | 0;
  if (count < 8) START[count] = fraction(Math.sqrt(prime));
  K[count] = fraction(Math.cbrt(prime));
  count += 1;
}

const turn = (word: number, by: number): number => (word >>> by) | (word << (32 - by));

/** Mixes one block of 64 bytes into the state. */
function mix(state: Int32Array, block: DataView, at: number): void {
  const w = WORDS;
  for (let i = 0; i < 16; i += 1) w[i] = block.getInt32(at + 4 * i);
  for (let i = 16; i < 64; i += 1) {
    const [x, y] = [w[i - 15] as number, w[i - 2] as number];
    const low = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
    const high = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
    w[i] = (w[i - 16] as number) + low + (w[i - 7] as number) + high;
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [
    ...[number, number, number, number],
    ...[number, number, number, number],
  ];
  for (let i = 0; i < 64; i += 1) {
    const choice = (e & f) ^ (~e & g);
    const one =
      h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + (K[i] as number) + (w[i] as number);
    const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, place) => {
    state[place] = (state[place] as number) + word;
  });
}

/** Returns the SHA-256 of ASCII in hexadecimal digits. `crypto.subtle` is missing on pages without TLS,
 * and needs a task for each try. */
export function sha256(text: string): string {
  const size = text.length;
  const padded = new Uint8Array(((size + 72) >> 6) << 6);
  for (let i = 0; i < size; i += 1) padded[i] = text.charCodeAt(i);
  padded[size] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, size * 8);
  const state = START.slice();
  for (let at = 0; at < padded.length; at += 64) mix(state, view, at);
  return [...state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

/** Returns the proof of a challenge, or undefined where there is none. */
export async function solve(challenge: Challenge): Promise<string | undefined> {
  const { maxnumber, salt } = challenge;
  for (let number = 0; number <= maxnumber; number += 1) {
    if (sha256(`${salt}${number}`) === challenge.challenge) {
      const { maxnumber: _, ...signed } = challenge;
      return btoa(JSON.stringify({ ...signed, number }));
    }
    if (number % TRIES_AT_ONCE === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  return undefined;
}

/** Reads a challenge and solves it. */
export async function prove(fetch: (shape: Shape) => Promise<object>): Promise<string | undefined> {
  return solve((await fetch(CHALLENGE)) as Challenge);
}
