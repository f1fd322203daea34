/** Full jitter: each wait is uniform between 0 and a ceiling that doubles, so that ten
 * thousand clients of a restarted server do not come back in step. */

export interface BackoffSetting {
  readonly first_ms: number;
  readonly most_ms: number;
}

export const RECONNECT: BackoffSetting = { first_ms: 500, most_ms: 15_000 };
export const RESEND: BackoffSetting = { first_ms: 250, most_ms: 4_000 };
/** Short at first: a restarting server may have answered the second transport before the first. */
export const CLIMB: BackoffSetting = { first_ms: 1_000, most_ms: 300_000 };

const HIGHEST_POWER = 20;

/** The ceiling of the wait before attempt `attempt`, counted from 0. */
export function ceiling_ms(setting: BackoffSetting, attempt: number): number {
  return Math.min(setting.most_ms, setting.first_ms * 2 ** Math.min(attempt, HIGHEST_POWER));
}

export function delay_ms(
  setting: BackoffSetting,
  attempt: number,
  random: () => number = Math.random,
): number {
  return Math.round(random() * ceiling_ms(setting, attempt));
}
