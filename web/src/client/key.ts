/** The key of a mutation. All its tries have the same key, so a lost answer books once. */

const KEY_BYTES = 24;

/** 192 random bits as 32 base64url characters; works without a secure context too. */
export function newKey(): string {
  if (typeof globalThis.crypto?.getRandomValues !== "function") {
    throw new Error(
      "There is no crypto.getRandomValues here. In React Native, import react-native-get-random-values first.",
    );
  }
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_");
}
