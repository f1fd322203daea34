"""The same request over Socket.IO and over HTTP."""

import json
from typing import Any

from tests.support import Answer, Api, Client
from tests.support.route import ROUTES, SOCKET_ONLY, route

CODES = {
    "bad_request": 400, "unauthorized": 401, "forbidden": 403, "hold_not_yours": 403, "blocked": 403, "not_found": 404,
    "method_not_allowed": 405, "payload_too_large": 413,
    "slot_unavailable": 409, "capacity_exceeded": 409, "invalid_transition": 409, "limit_exceeded": 409,
    "already_exists": 409, "cursor_gone": 410, "hold_expired": 410, "version_conflict": 412, "too_soon": 422,
    "too_far": 422, "outside_cancellation_window": 422, "policy_refused": 422, "idempotency_mismatch": 422,
    "rate_limited": 429, "internal": 500, "overloaded": 503,
}  # fmt: skip


async def over_http(api: Api, name: str, fields: dict[str, Any]) -> Answer:
    """Send the request by its route, with its path, query and headers."""
    method, path, headers, body = route(name, fields)
    raw = None if body is None else json.dumps(body).encode()
    return await api.ask(method, path, raw=raw, headers=headers)


def fits_http(name: str, field_name: str, value: Any) -> bool:
    """Say if the route can carry this value of this field: paths, queries and headers are text."""
    if name in SOCKET_ONLY or field_name == "after":
        return False
    method, _, subject = ROUTES[name]
    if subject == field_name:
        return isinstance(value, str) and value != "" and value.isprintable()
    if field_name == "calendars":  # with commas between them
        return isinstance(value, list)
    if method == "GET":
        return isinstance(value, str) and value.isprintable()
    return True


async def over_socket(client: Client, name: str, fields: Any) -> str:
    """Return the ack's code, "ok" for success; every ack has the shape of the wire."""
    return code_of(await client.ask(name, fields))


def code_of(answer: Any) -> str:
    assert isinstance(answer, dict), answer
    if answer["ok"] is True:
        return "ok"
    assert answer.keys() == {"ok", "error"}
    error = answer["error"]
    assert {"code", "message", "retryable"} <= error.keys() <= {"code", "message", "retryable", "details"}
    assert error["code"] in CODES
    assert isinstance(error["message"], str)
    assert error["message"]
    return str(error["code"])


async def number_of(api: Api, metric: str) -> float:
    """Return the value of the metric whose line begins so; 0 without one."""
    lines = (await api.ask("GET", "/metrics")).raw.decode().splitlines()
    return float(next((line.rpartition(" ")[2] for line in lines if line.startswith(metric)), 0))
