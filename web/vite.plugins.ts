import type { Plugin } from "vite";

export const replace = (name: string, id: RegExp, code: string): Plugin => ({
  name,
  enforce: "pre",
  load: { filter: { id }, handler: () => code },
});

/** Empties methods of a class. The build fails if the class has no such method. */
const empty = (name: string, id: RegExp, methods: readonly string[]): Plugin => ({
  name,
  enforce: "pre",
  transform: {
    filter: { id },
    handler(code) {
      let left = code;
      for (const method of methods) {
        const whole = new RegExp(`\\n {4}${method}\\([^)]*\\) \\{\\n[^]*?\\n {4}\\}\\n`);
        if (!whole.test(left)) throw new Error(`${name}: there is no ${method} any more.`);
        left = left.replace(whole, `\n    ${method}() {}\n`);
      }
      return { code: left, map: null };
    },
  },
});

/** Modules that the pages never need, in a smaller form: 6 KB gzipped. */
export const leaner: readonly Plugin[] = [
  // Lazy chunks have no styles, and share their imports with the page: nothing loads before them.
  replace(
    "plain-imports",
    /vite\/preload-helper/,
    "export const __vitePreload = (load) => load();",
  ),
  // The client names its transports, and WebTransport is none of them.
  replace("no-webtransport", /engine\.io-client\/.*\/webtransport\.js$/, "export class WT {}"),
  // The server sends and takes JSON, and no binary values.
  replace(
    "no-binary-packets",
    /socket\.io-parser\/.*\/binary\.js$/,
    "export const deconstructPacket = (packet) => ({ packet, buffers: [] }), reconstructPacket = (packet) => packet;",
  ),
  replace(
    "no-binary-values",
    /socket\.io-parser\/.*\/is-binary\.js$/,
    "export const isBinary = () => false, hasBinary = () => false;",
  ),
  replace(
    "text-packets-out",
    /engine\.io-parser\/.*\/encodePacket\.browser\.js$/,
    `import { PACKET_TYPES } from "./commons.js";
    export const encodePacket = ({ type, data }, _, callback) => callback(PACKET_TYPES[type] + (data || ""));
    export const encodePacketToBinary = () => {};`,
  ),
  replace(
    "text-packets-in",
    /engine\.io-parser\/.*\/decodePacket\.browser\.js$/,
    `import { ERROR_PACKET, PACKET_TYPES_REVERSE } from "./commons.js";
    export const decodePacket = (text) => {
      const type = typeof text === "string" ? PACKET_TYPES_REVERSE[text.charAt(0)] : undefined;
      return type ? { type, ...(text.length > 1 && { data: text.substring(1) }) } : ERROR_PACKET;
    };`,
  ),
  // A socket of the client has one transport for its life.
  empty("no-upgrade", /engine\.io-client\/.*\/esm\/socket\.js$/, ["_probe", "_filterUpgrades"]),
  empty("no-pause", /engine\.io-client\/.*\/transports\/polling\.js$/, ["pause"]),
  // The client sends again by itself, and listens to nothing that is sent.
  empty("no-queue", /socket\.io-client\/.*\/esm\/socket\.js$/, [
    ...["emitWithAck", "_addToQueue", "_drainQueue", "send", "compress", "prependAny", "offAny"],
    ...["listenersAny", "onAnyOutgoing", "prependAnyOutgoing", "offAnyOutgoing"],
    ...["listenersAnyOutgoing", "notifyOutgoingListeners"],
  ]),
  empty("no-reconnects", /socket\.io-client\/.*\/esm\/manager\.js$/, [
    ...["reconnect", "onreconnect", "maybeReconnectOnOpen", "reconnection", "reconnectionAttempts"],
    ...["reconnectionDelay", "reconnectionDelayMax", "randomizationFactor"],
  ]),
  // No packet has attachments.
  empty("no-attachments", /socket\.io-parser\/.*\/esm\/index\.js$/, [
    ...["encodeAsBinary", "takeBinaryData", "finishedReconstruction", "destroy"],
  ]),
  // Every browser of the build's target has fetch and URL.
  replace(
    "polling-by-fetch",
    /engine\.io-client\/.*\/polling-xhr\.js$/,
    `import { Polling } from "./polling.js";
    export class XHR extends Polling {
      supportsBinary = true;
      doPoll() { this.#ask({}, "xhr poll error", (text) => this.onData(text)); }
      doWrite(body, done) { this.#ask({ method: "POST", body }, "xhr post error", done); }
      #ask(init, failure, done) {
        const read = (answer) => answer.status === 200 ? answer.text() : Promise.reject(answer.status);
        fetch(this.uri(), init).then(read).then(done, (reason) => this.onError(failure, reason));
      }
    }`,
  ),
  replace(
    "uris-by-url",
    /engine\.io-client\/.*\/parseuri\.js$/,
    `export function parse(source) {
      const { protocol, hostname, port, pathname, search } = new URL(source);
      const host = hostname.replace(/[[\\]]/g, "");
      return { source, protocol: protocol.slice(0, -1), host, port, path: pathname, query: search.slice(1) };
    }`,
  ),
  // The client opens each socket itself.
  replace(
    "no-reconnection",
    /socket\.io-client\/.*\/backo2\.js$/,
    `const nothing = () => {};
    export function Backoff() {
      return { attempts: 0, reset: nothing, setMin: nothing, setMax: nothing, setJitter: nothing };
    }`,
  ),
];
