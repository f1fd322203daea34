/** `1 time`, `2 times`. Its languages have two forms, and the second one for 0 except in French. */
export const counted = (number: number, one: string, many: string): string =>
  `${number} ${number === 1 ? one : many}`;
