/** Reads the text of a stream of server-sent events (HTML Standard, 9.2.6). */

export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
  readonly id: string;
}

export class EventParser {
  #rest = "";
  #event = "";
  #data: string[] = [];
  #id = "";
  #comment = "";

  /** The `id` of the last event. An event without data has one too. */
  get id(): string {
    return this.#id;
  }

  /** The last comment with a text. */
  get comment(): string {
    return this.#comment;
  }

  /** Takes the next piece of text and returns the completed events. */
  feed(text: string): readonly ServerSentEvent[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line: string): ServerSentEvent | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) this.#comment = line.slice(1) || this.#comment;
    if (colon === 0) return undefined;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#event = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    return undefined;
  }

  #dispatch(): ServerSentEvent | undefined {
    const data = this.#data;
    const event = this.#event || "message";
    this.#data = [];
    this.#event = "";
    return data.length === 0 ? undefined : { event, data: data.join("\n"), id: this.#id };
  }
}
