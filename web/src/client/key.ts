/** The key of a mutation: made once, kept over every retry, so that a lost ack books once. */

const KEY_BYTES = 24;

/** 192 random bits as 32 base64url characters; works without a secure context too. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_");
}
