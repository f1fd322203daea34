/** The calendars that follow a connection, each with its position. */

import type { Delivery, Link, Position } from "../transports/link.ts";

export interface Subscriber {
  position(): Position;
  deliver(delivery: Delivery): void;
}

export class Subscribers {
  readonly #byCalendar = new Map<string, Subscriber>();

  get size(): number {
    return this.#byCalendar.size;
  }

  get calendars(): readonly string[] {
    return [...this.#byCalendar.keys()];
  }

  add(calendar: string, subscriber: Subscriber): void {
    this.#byCalendar.set(calendar, subscriber);
  }

  remove(calendar: string): void {
    this.#byCalendar.delete(calendar);
  }

  /** Subscribes one calendar on a link, from its position. */
  subscribe(calendar: string, link: Link | undefined): void {
    const subscriber = this.#byCalendar.get(calendar);
    if (subscriber !== undefined) link?.subscribe(calendar, subscriber.position());
  }

  deliver(calendar: string, delivery: Delivery): void {
    this.#byCalendar.get(calendar)?.deliver(delivery);
  }
}
