/** Proofs of work: the hash is SHA-256, and the number of a challenge is found. */

import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { sha256, solve } from "../../src/client/proof";

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

it("hashes texts of every length as SHA-256 does", () => {
  for (let size = 0; size < 200; size += 1) {
    const text = "x".repeat(size);
    expect(sha256(text)).toBe(digest(text));
  }
});

it("solves a challenge, and gives up one without a solution", async () => {
  const salt = "0123456789abcdef01234567?expires=1799020800";
  const signed = { algorithm: "SHA-256", challenge: digest(`${salt}4321`), salt, signature: "s" };
  const proof = await solve({ ...signed, maxnumber: 10_000 });
  expect(JSON.parse(atob(proof ?? ""))).toEqual({ ...signed, number: 4_321 });
  expect(await solve({ ...signed, maxnumber: 4_320 })).toBeUndefined();
});
