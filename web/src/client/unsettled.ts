/** The commands without an answer. They may have been done. A storage keeps them, so that a repeated
 * command has its key also after a reload, or after the end of the app. */

import { newKey } from "./key.ts";
import type { ClientStorage } from "./storage.ts";
import type { Answers, Fields } from "./wire.ts";

/** The time for which an equal command counts as another try. */
const AGAIN_MS = 600_000;
/** The longest hold. Nothing of an older one is left. */
const HOLD_MS = 3_600_000;
/** A storage that does not answer costs the first command this time. */
const LOAD_MS = 2_000;
const MOST_STORED = 50;

export interface Command {
  readonly name: keyof Answers;
  readonly fields: Fields;
  readonly key: string;
  /** On the clock of `performance`. */
  readonly at: number;
}

/** The keys of commands that are under way. Another client with the same storage leaves them alone. */
const underWay = new Set<string>();

const nameOf = (name: string, fields: Fields): string => JSON.stringify([name, fields]);
const ageOf = ({ at }: Command): number => performance.now() - at;

export class UnsettledCommands {
  readonly #storage: ClientStorage | undefined;
  readonly #item: string;
  readonly #sent = new Set<Command>();
  readonly #given_up = new Map<string, Command>();
  #loading: Promise<void> | undefined;
  #saving: Promise<unknown> = Promise.resolve();

  /** `item` is the name in the storage. */
  constructor(storage: ClientStorage | undefined, item: string) {
    this.#storage = storage;
    this.#item = item;
    if (storage === undefined) return;
    let timer: ReturnType<typeof setTimeout>;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LOAD_MS);
    });
    this.#loading = Promise.race([this.#load(storage), late]).finally(() => {
      clearTimeout(timer);
      this.#loading = undefined;
    });
  }

  /** Starts a command: under the key of an equal one without an answer, else under a new one. */
  async start(name: keyof Answers, fields: Fields): Promise<Command> {
    if (this.#loading !== undefined) await this.#loading;
    const given_up = this.#given_up.get(nameOf(name, fields));
    const isAgain = given_up !== undefined && ageOf(given_up) < AGAIN_MS;
    const key = isAgain ? given_up.key : newKey();
    const command = { name, fields, key, at: performance.now() };
    this.#given_up.delete(nameOf(name, fields));
    this.#sent.add(command);
    underWay.add(key);
    this.#save();
    return command;
  }

  /** Ends a command. One without an answer waits for another try. */
  end(command: Command, hasAnswer: boolean): void {
    this.#sent.delete(command);
    underWay.delete(command.key);
    if (!hasAnswer) {
      const given_up = { ...command, at: performance.now() };
      this.#given_up.set(nameOf(command.name, command.fields), given_up);
    }
    this.#save();
  }

  /** Returns the holds without an answer. Such a hold would block its seats for everyone. */
  async holds(): Promise<readonly Command[]> {
    if (this.#loading !== undefined) await this.#loading;
    const holds = [...this.#given_up.values()].filter(({ name }) => name === "slot.hold");
    for (const hold of holds) if (ageOf(hold) >= HOLD_MS) this.drop(hold);
    return holds.filter((hold) => this.has(hold));
  }

  /** Whether the command still waits for another try. */
  has({ name, fields, key }: Command): boolean {
    return this.#given_up.get(nameOf(name, fields))?.key === key;
  }

  drop(command: Command): void {
    if (!this.has(command)) return;
    this.#given_up.delete(nameOf(command.name, command.fields));
    this.#save();
  }

  async #load(storage: ClientStorage): Promise<void> {
    try {
      const stored: unknown = JSON.parse((await storage.getItem(this.#item)) ?? "[]");
      const now = Date.now();
      for (const { name, fields, key, at } of stored as readonly Command[]) {
        // A device's clock may have been set since.
        const age = Math.max(0, now - at);
        if (typeof key !== "string" || underWay.has(key) || !(age < HOLD_MS)) continue;
        const command = nameOf(name, fields);
        if (this.#given_up.has(command)) continue;
        this.#given_up.set(command, { name, fields, key, at: performance.now() - age });
      }
    } catch {
      // The storage is empty, forbidden, or has something else.
    }
  }

  #save(): void {
    const storage = this.#storage;
    if (storage === undefined) return;
    const now = Date.now();
    const commands = [...this.#given_up.values(), ...this.#sent]
      .filter((command) => ageOf(command) < HOLD_MS)
      .slice(-MOST_STORED)
      .map((command) => ({ ...command, at: now - ageOf(command) }));
    this.#saving = this.#saving
      .then(() =>
        commands.length === 0
          ? storage.removeItem(this.#item)
          : storage.setItem(this.#item, JSON.stringify(commands)),
      )
      .catch(() => {}); // It is full or forbidden: the memory has them.
  }
}
