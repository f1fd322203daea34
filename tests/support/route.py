"""The HTTP routes of the requests, from the server's own table, and a request in the form of its route."""

from typing import Any
from urllib.parse import quote, urlencode

from models.contract.requests import EVERY_REQUEST
from realtime.http.routes import BOOKING_TOKEN, COMMANDS, READS

# Each request's method, path and the field in the place of the path's `{}`.
ROUTES: dict[str, tuple[str, str, str]] = {
    **{
        read.request.wire.name: (read.method, read.path.replace("{id}", "{}"), read.subject)
        for read in READS
        if read.request is not None and not read.request.wire.is_http_only
    },
    **{route.command.wire.name: (route.method, route.path.replace("{id}", "{}"), route.subject) for route in COMMANDS},
}
# The requests that go over HTTP only, in the same form.
HTTP_ONLY: dict[str, tuple[str, str, str]] = {
    read.request.wire.name: (read.method, read.path.replace("{id}", "{}"), read.subject)
    for read in READS
    if read.request is not None and read.request.wire.is_http_only
}
SOCKET_ONLY = EVERY_REQUEST.keys() - ROUTES.keys()


def route(name: str, fields: dict[str, Any]) -> tuple[str, str, dict[str, str], dict[str, Any] | None]:
    """Return method, path, headers and body of a request; a read has no body."""
    method, path, subject = (ROUTES | HTTP_ONLY)[name]
    rest = dict(fields)
    if subject:
        path = path.format(quote(rest.pop(subject).encode(errors="surrogatepass"), safe=""))
    if method != "GET":
        return method, path, {}, rest
    headers = {BOOKING_TOKEN: rest.pop("token")} if "token" in rest else {}
    rest.pop("after", None)  # only a subscriber has a use for it
    query = urlencode({name: _text(value) for name, value in rest.items() if value is not None})
    return method, f"{path}?{query}" if query else path, headers, None


def _text(value: Any) -> str:
    """Return a value as a query has it."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(int(value)) if isinstance(value, bool) else str(value)
