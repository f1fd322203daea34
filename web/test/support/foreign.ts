/** What answers in the server's place: login walls, maintenance pages, other services. */

import { booking, hold } from "./make";

const HTML = "<!doctype html><title>Sign in to the hotel's network</title>";
const html = (status: number, text = HTML) =>
  new Response(text, { status, headers: { "Content-Type": "text/html; charset=utf-8" } });

/** Where the answer came from after a redirect. */
function redirected(response: Response): Response {
  Object.defineProperty(response, "redirected", { value: true });
  return response;
}

const problem = (body: object, status: number) =>
  Response.json(body, { status, headers: { "Content-Type": "application/problem+json" } });
const typed = (text: string, type: string) =>
  new Response(text, { headers: { "Content-Type": type } });
const GOOD = JSON.stringify({ cursor: "1.n", hold, booking });

export const FOREIGN: Readonly<Record<string, () => Response>> = {
  "200 with a page": () => html(200),
  "200 with a page that says JSON": () => typed(HTML, "application/json"),
  "200 with JSON that says it is a page": () => typed(GOOD, "text/html"),
  "200 without a type": () => new Response(new Blob([GOOD])),
  "200 with nothing": () => typed("", "application/json"),
  "200 with null": () => Response.json(null),
  "200 with a list": () => Response.json([hold]),
  "200 of another service": () => Response.json({ status: "success", data: { id: "1" } }),
  "200 with only `ok`": () => Response.json({ ok: true }),
  "200 with half a hold": () => Response.json({ cursor: "1.n", hold: { id: "h" }, booking: {} }),
  "200 that breaks off": () => typed(GOOD.slice(0, -9), "application/json"),
  "204": () => new Response(null, { status: 204 }),
  "a redirect to a page": () => redirected(html(200)),
  "a redirect to another's refusal": () =>
    redirected(problem({ code: "not_found", message: "No.", retryable: false }, 404)),
  "401 with a page": () => html(401),
  "403 with a page": () => html(403),
  "404 with a page": () => html(404),
  "404 of another service": () =>
    Response.json({ code: "not_found", message: "No" }, { status: 404 }),
  "409 with another's problem": () => problem({ title: "Conflict", status: 409 }, 409),
  "410 with a page": () => html(410),
  "502 with a page": () => html(502),
  "503 with a page": () => html(503),
  "511 with a page": () => html(511),
};
