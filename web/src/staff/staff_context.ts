/** The shared parts of the staff page's views: the client, the shown calendar, and its clock. */

import type { StaffCalendar, StaffClient } from "../client";
import type { Locale } from "../ui/time";
import type { AccessClient } from "./access/access_client";
import type { Toasts } from "../ui/feedback/toast";

export interface StaffContext {
  readonly client: StaffClient;
  /** Sends the requests about accounts, tokens and links. */
  readonly access: AccessClient;
  readonly root: HTMLElement;
  readonly toasts: Toasts;
  readonly locale: Locale;
  /** The shown calendar. */
  calendar(): StaffCalendar | undefined;
  /** The zone of the shown calendar. */
  zone(): string;
  now(): number;
  /** Whether the caller may change the shown calendar, as far as it is known. */
  mayChange(): boolean;
  /** Runs work on the shown calendar, and tells staff an error. */
  attempt(work: (calendar: StaffCalendar) => Promise<void>): Promise<void>;
  /** Runs work that needs no shown calendar, and tells staff an error. */
  run(work: () => Promise<unknown>): Promise<void>;
  /** Draws the view again. */
  changed(): void;
}
