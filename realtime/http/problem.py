"""Refusals over HTTP as RFC 9457 problem details with the error's code; an id, a count and a log line a request."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from models.contract.changes import encode
from models.contract.errors import (
    BadRequest,
    Internal,
    MethodNotAllowed,
    NotFound,
    Overloaded,
    PayloadTooLarge,
    Refused,
)
from realtime import protocol
from realtime.request_log import RequestCounts, RequestLog, new_request_id

# Of every answer, also of aiohttp's own to what is no HTTP: that one named the versions of Python and aiohttp.
EVERY_ANSWER = {"Server": "Slotcast", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
STATUS = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "hold_not_yours": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "slot_unavailable": 409,
    "capacity_exceeded": 409,
    "invalid_transition": 409,
    "limit_exceeded": 409,
    "already_exists": 409,
    "cursor_gone": 410,
    "hold_expired": 410,
    "blocked": 403,
    "unsupported_encoding": 415,
    "version_conflict": 412,
    "payload_too_large": 413,
    "too_soon": 422,
    "too_far": 422,
    "outside_cancellation_window": 422,
    "policy_refused": 422,
    "idempotency_mismatch": 422,
    "rate_limited": 429,
    "internal": 500,
    "overloaded": 503,
}
_OF_STATUS: dict[int, type[Refused]] = {405: MethodNotAllowed, 413: PayloadTooLarge}
REQUEST_ID = web.RequestKey("request_id", str)
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_RETRY_SECONDS = 1
_DATES = ("If-Modified-Since", "If-Unmodified-Since", "If-Range")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def problem(refusal: Refused, status: int = 0) -> web.Response:
    """Return the answer for a refusal. `status` replaces the status of the error's code."""
    status = status or STATUS[refusal.code]
    body = {"type": "about:blank", "title": refusal.fact, "status": status, "detail": refusal.message}
    body |= protocol.write_error(refusal)
    response = web.Response(status=status, body=encode(body), content_type="application/problem+json")
    if status in {429, 500, 503}:
        wait = refusal.details.get("retry_after", _RETRY_SECONDS)
        response.headers["Retry-After"] = str(max(1, round(wait)))
    if status == STATUS["unauthorized"]:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def refused_connection(refusal: Refused) -> bytes:
    """Return the whole answer to a connection that is closed before any request is read."""
    response = problem(refusal)
    assert isinstance(response.body, bytes)
    headers = {**EVERY_ANSWER, **response.headers, "Connection": "close", "Content-Length": str(len(response.body))}
    lines = (f"HTTP/1.1 {response.status} {response.reason}", *(f"{name}: {value}" for name, value in headers.items()))
    return "\r\n".join((*lines, "", "")).encode() + response.body


def _of_http_error(error: web.HTTPException) -> web.StreamResponse:
    """Return the problem for aiohttp's own refusals: unknown routes and methods, bodies that are too large."""
    if error.status == STATUS["not_found"]:
        return problem(NotFound("There is nothing at this address."))
    if error.status < STATUS["bad_request"]:
        raise error
    refusal: Refused = BadRequest(error.reason)
    if error.status in _OF_STATUS:
        refusal = _OF_STATUS[error.status]()
    if error.status >= STATUS["internal"]:
        refusal = Overloaded() if error.status == STATUS["overloaded"] else Internal()
    response = problem(refusal, error.status)
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def _check_dates(request: web.Request) -> None:
    """Raise BadRequest for a date that Python cannot hold: aiohttp would fail when it answers."""
    if any(name in request.headers for name in _DATES):
        try:
            _ = request.if_modified_since, request.if_unmodified_since, request.if_range
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise BadRequest("A date in the request's head can't be read.") from error


def problems(counts: RequestCounts) -> Middleware:
    """Return the outermost middleware: every request gets an answer, an id, a count and a log line.

    It leaves Socket.IO's own requests to the engine, as there may be thousands a second.
    """
    log = RequestLog("slotcast.http", counts)

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/socket.io/"):
            return await handler(request)
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _SANE_ID.fullmatch(given) else new_request_id()
        request[REQUEST_ID] = request_id
        began = time.perf_counter()
        code = "ok"
        try:
            _check_dates(request)
            response = await handler(request)
        except Refused as refusal:
            code, response = refusal.code, problem(refusal)
        except web.HTTPException as error:
            code, response = str(error.status), _of_http_error(error)
        except ConnectionError:  # the client is gone; aiohttp would log a traceback with the address
            code, response = "gone", problem(BadRequest("The client has gone."))
        except Exception:
            log.write_failure(request_id)
            code, response = "internal", problem(Internal())
        name = f"{request.method} {route_of(request)}"
        log.write(name, code, began, f"{name} {response.status}", request_id)
        if not response.prepared:
            response.headers["X-Request-ID"] = request_id
        return response

    return answer


def route_of(request: web.Request) -> str:
    """Return the route's pattern for logs and metrics: the path may have ids, the query secrets."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"
