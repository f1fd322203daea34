/** `1 horaire`, `2 horaires`. French has the singular for 0 too. */
export const counted = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number < 2 ? one : many}`;
