/** One browser in memory: the locks and channels of its tabs. A tab may freeze, or be closed. */

import type { Tabs } from "../../src/client/tabs/message";

interface Held {
  release: (error?: Error) => void;
}
type Queued = { tab: FakeTab; take: () => void };

export class FakeBrowser {
  readonly channels = new Set<FakeChannel>();
  readonly held = new Map<string, Held>();
  readonly queues = new Map<string, Queued[]>();

  tab(): FakeTab {
    return new FakeTab(this);
  }

  /** Passes a free lock on. */
  pass(name: string): void {
    if (!this.held.has(name)) this.queues.get(name)?.shift()?.take();
  }
}

export class FakeChannel {
  onmessage: ((event: MessageEvent) => void) | null = null;

  constructor(
    readonly name: string,
    readonly tab: FakeTab,
  ) {
    tab.browser.channels.add(this);
  }

  postMessage(data: unknown): void {
    for (const other of this.tab.browser.channels)
      if (other !== this && other.name === this.name) {
        const copy = structuredClone(data);
        queueMicrotask(() =>
          other.tab.run(() => other.onmessage?.({ data: copy } as MessageEvent)),
        );
      }
  }

  close(): void {
    this.tab.browser.channels.delete(this);
  }
}

export class FakeTab implements Tabs {
  #frozen: (() => void)[] | undefined;
  readonly #own = new Set<() => void>();

  constructor(readonly browser: FakeBrowser) {}

  readonly locks: Tabs["locks"] = {
    request: (name: string, ...rest: unknown[]) => {
      const task = rest.at(-1) as () => unknown;
      const { steal = false, signal } = (rest.length > 1 ? rest[0] : {}) as LockOptions;
      return new Promise<unknown>((resolve, reject) => {
        const take = () => {
          const end = (error?: Error) => {
            if (this.browser.held.get(name) === held) this.browser.held.delete(name);
            this.#own.delete(end);
            if (error === undefined) resolve(undefined);
            else this.run(() => reject(error));
            this.browser.pass(name);
          };
          const held: Held = { release: end };
          this.browser.held.set(name, held);
          this.#own.add(end);
          queueMicrotask(() => this.run(() => void Promise.resolve(task()).then(() => end())));
        };
        if (steal) {
          const old = this.browser.held.get(name);
          take();
          old?.release(new DOMException("Stolen.", "AbortError"));
          return;
        }
        const queued = { tab: this, take };
        const queue = this.browser.queues.get(name) ?? [];
        this.browser.queues.set(name, queue);
        queue.push(queued);
        signal?.addEventListener("abort", () => {
          const place = queue.indexOf(queued);
          if (place < 0) return;
          queue.splice(place, 1);
          reject(signal.reason as Error);
        });
        this.browser.pass(name);
      }) as never;
    },
  };

  channel(name: string): BroadcastChannel {
    return new FakeChannel(name, this) as unknown as BroadcastChannel;
  }

  /** Runs this now, or when the tab thaws. */
  run(task: () => void): void {
    if (this.#frozen === undefined) task();
    else this.#frozen.push(task);
  }

  freeze(): void {
    this.#frozen = [];
  }

  thaw(): void {
    const tasks = this.#frozen ?? [];
    this.#frozen = undefined;
    for (const task of tasks) task();
  }

  /** The visitor closes the tab: nothing of it runs any more. */
  kill(): void {
    this.freeze();
    for (const channel of this.browser.channels)
      if (channel.tab === this) this.browser.channels.delete(channel);
    for (const [name, queue] of this.browser.queues)
      this.browser.queues.set(
        name,
        queue.filter(({ tab }) => tab !== this),
      );
    for (const end of [...this.#own]) end();
  }
}
