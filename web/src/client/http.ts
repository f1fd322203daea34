/** The same requests over HTTP: where the transport goes one way only, or has just broken. */

import { readError, SlotcastError, timedOut, unreachable } from "./error.ts";
import { ANSWER_MS, apiUrl, bearer } from "./link.ts";
import type { Fields } from "./wire.ts";

type Route = readonly [method: string, noun: string, id: string, verb?: string];

/** Each request's method, the noun in its path, the field that is the id, and the verb after it. */
const ROUTES: Readonly<Record<string, Route>> = {
  "slot.hold": ["POST", "slots", "slot", "holds"],
  "hold.extend": ["POST", "holds", "hold", "extend"],
  "hold.release": ["POST", "holds", "hold", "release"],
  "slot.book": ["POST", "slots", "slot", "bookings"],
  "booking.get": ["GET", "bookings", "booking"],
  "booking.cancel": ["POST", "bookings", "booking", "cancel"],
  "booking.reschedule": ["POST", "bookings", "booking", "reschedule"],
};

export const hasRoute = (name: string): boolean => name in ROUTES;

export async function requestOverHttp(
  base: URL,
  token: string | undefined,
  name: string,
  fields: Fields,
): Promise<Fields> {
  const route = ROUTES[name];
  if (route === undefined) throw unreachable();
  const [method, noun, id_field, verb] = route;
  const { [id_field]: id, key, ...body } = fields;
  const path = `/${noun}/${encodeURIComponent(String(id))}${verb === undefined ? "" : `/${verb}`}`;
  const headers: Record<string, string> = { ...bearer(token) };
  if (typeof key === "string") headers["Idempotency-Key"] = key;
  if (method === "GET") {
    // A secret never stands in a URL, and a GET has no body.
    if (typeof body.token === "string") headers["Booking-Token"] = body.token;
    return fetchJson(apiUrl(base, path), { method, headers });
  }
  headers["Content-Type"] = "application/json";
  return fetchJson(apiUrl(base, path), { method, headers, body: JSON.stringify(body) });
}

/** Resolves with the JSON body of a success; else rejects with a SlotcastError. */
export async function fetchJson(
  url: URL,
  init: RequestInit,
  timeout_ms = ANSWER_MS,
): Promise<Fields> {
  const limit = AbortSignal.timeout(timeout_ms);
  const signal = init.signal ? anyOf(init.signal, limit) : limit;
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(url, { ...init, signal, cache: "no-store" });
    body = await response.json().catch(() => ({}));
  } catch {
    throw limit.aborted ? timedOut() : unreachable();
  }
  if (response.ok) return body as Fields;
  throw readProblem(response, body);
}

export function readProblem(response: Response, body: unknown): SlotcastError {
  const retry_after_ms = Number(response.headers.get("Retry-After") ?? 0) * 1_000 || 0;
  const error = readError(body, retry_after_ms);
  // A proxy's own 429 or 5xx has no code of ours; it passes.
  const isForeign = !(typeof body === "object" && body !== null && "code" in body);
  if (isForeign && (response.status === 429 || response.status >= 500)) {
    return new SlotcastError(
      { code: "overloaded", message: "The server is not ready.", retryable: true },
      retry_after_ms,
    );
  }
  return error;
}

/** AbortSignal.any is younger than some of the browsers we serve. */
function anyOf(first: AbortSignal, second: AbortSignal): AbortSignal {
  const controller = new AbortController();
  for (const signal of [first, second]) {
    if (signal.aborted) controller.abort();
    signal.addEventListener("abort", () => controller.abort(), { once: true });
  }
  return controller.signal;
}
