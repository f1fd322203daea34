/** Requests over HTTP, for one-way transports and for a link that has just broken. */

import { SlotcastError, timedOut, unreachable } from "./error.ts";
import { limitOf } from "./timeout.ts";
import { ROUTES } from "./routes.ts";
import { ANSWER_MS, apiUrl, bearer } from "./transports/link.ts";
import { fits, isAbout, readRefusal, shapeOf } from "./shape.ts";
import type { Shape } from "./shape_part.ts";
import type { Fields } from "./wire.ts";

export const hasRoute = (name: string): boolean => name in ROUTES;

export async function requestOverHttp(
  base: URL,
  token: string | undefined,
  name: string,
  fields: Fields,
): Promise<Fields> {
  const route = ROUTES[name];
  if (route === undefined) throw unreachable();
  const [method, template, id_field] = route;
  const { [id_field]: id, key, ...body } = fields;
  const path = template.replace("{id}", () => encodeURIComponent(String(id)));
  const headers: Record<string, string> = { ...bearer(token) };
  if (typeof key === "string") headers["Idempotency-Key"] = key;
  if (method === "GET") {
    // A secret never stands in a URL, and a GET has no body.
    if (typeof body.token === "string") headers["Booking-Token"] = body.token;
    return answerTo(name, fields, apiUrl(base, path), { method, headers });
  }
  headers["Content-Type"] = "application/json";
  return answerTo(name, fields, apiUrl(base, path), {
    method,
    headers,
    body: JSON.stringify(body),
  });
}

async function answerTo(
  name: string,
  fields: Fields,
  url: URL,
  init: RequestInit,
): Promise<Fields> {
  const answer = await fetchJson(url, init, shapeOf(name));
  if (!isAbout(name, fields, answer)) throw unreachable();
  return answer;
}

/** Resolves with the JSON body of a success in this shape. Rejects with a SlotcastError. */
export async function fetchJson(
  url: URL,
  init: RequestInit,
  shape: Shape,
  timeout_ms = ANSWER_MS,
): Promise<Fields> {
  const limit = limitOf(timeout_ms, init.signal);
  try {
    const response = await fetch(url, { ...init, signal: limit.signal, cache: "no-store" });
    const body = response.ok && isOf(response, "application/json") && (await readJson(response));
    if (fits(body, shape) && isFrom(url, response)) return body;
    // A redirect may turn a command into a read. Its refusal says nothing of the command.
    const isCommand = (init.method ?? "GET") !== "GET";
    throw isCommand && response.redirected ? unreachable() : await readProblem(response, url);
  } catch (error) {
    if (error instanceof SlotcastError) throw error;
    throw limit.isOver() ? timedOut() : unreachable();
  } finally {
    limit.clear();
  }
}

/** Resolves with the text of a success of this media type. Rejects with a SlotcastError. */
export async function fetchText(url: URL, init: RequestInit, type: string): Promise<string> {
  const limit = limitOf(ANSWER_MS);
  try {
    const response = await fetch(url, { ...init, signal: limit.signal, cache: "no-store" });
    if (response.ok && isOf(response, type) && isFrom(url, response)) return await response.text();
    throw await readProblem(response, url);
  } catch (error) {
    if (error instanceof SlotcastError) throw error;
    throw limit.isOver() ? timedOut() : unreachable();
  } finally {
    limit.clear();
  }
}

/** Reads the server's refusal. An answer of another service becomes `unreachable`. */
export async function readProblem(response: Response, url: URL): Promise<SlotcastError> {
  const retry_after_ms = Number(response.headers.get("Retry-After") ?? 0) * 1_000 || 0;
  const isProblem = !response.ok && isOf(response, "application/problem+json");
  const isOurs = isProblem && isFrom(url, response);
  return readRefusal(isOurs ? await readJson(response) : undefined, retry_after_ms);
}

/** Accepts a redirect to TLS or another host, but not to another path. */
export const isFrom = (url: URL, response: Response): boolean =>
  !response.redirected ||
  response.url.replace(/^https?:\/\/[^/]+/, "") === url.pathname + url.search;

export const isOf = (response: Response, type: string): boolean =>
  response.headers.get("Content-Type")?.split(";")[0]?.trim().toLowerCase() === type;

/** Rejects when the body breaks off. Resolves with undefined for no JSON. */
async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
