"""Which web pages may connect: those of the same origin, unless told otherwise.

Browsers apply no cross-origin rule to WebSockets, so a server that does not look at Origin can be used
by any page that its visitor has open.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from aiohttp import web

Allowed: TypeAlias = "str | Iterable[str] | Callable[[str], bool] | None"

_SCHEMES: Final = {"ws": "http", "wss": "https"}  # the Swift client sends the socket's own scheme
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Origins:
    """The rule. `allowed` is None (the same origin only), more origins, `"*"`, or a function."""

    def __init__(self, allowed: Allowed, *, with_credentials: bool = True) -> None:
        self._function = allowed if callable(allowed) else None
        listed = [allowed] if isinstance(allowed, str) else () if allowed is None or callable(allowed) else allowed
        self._is_open_to_all = "*" in listed
        self._listed = frozenset(_normal(origin) for origin in listed)
        self._with_credentials = with_credentials

    def is_allowed(self, request: web.BaseRequest) -> bool:
        """Whether this request may go on. One without an Origin is not a browser's cross-origin one."""
        origin = request.headers.get("Origin")
        if origin is None or self._is_open_to_all:
            return True
        if self._function is not None:
            return self._function(origin)
        host = request.headers.get("Host")
        if host and origin.partition("://")[2] == host:
            return True  # the usual case, without parsing
        normal = _normal(origin)
        return normal in self._listed or _is_same(normal, request)

    def headers(self, request: web.BaseRequest) -> dict[str, str]:
        """What tells the browser so. With `"*"` never credentials: any page could act as the visitor."""
        origin = request.headers.get("Origin")
        if origin is None:
            return {}
        if self._is_open_to_all:
            headers = {"Access-Control-Allow-Origin": "*"}
        else:
            headers = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
            if self._with_credentials:
                headers["Access-Control-Allow-Credentials"] = "true"
        if request.method == "OPTIONS":
            headers["Access-Control-Allow-Methods"] = "OPTIONS, GET, POST"
            asked = request.headers.get("Access-Control-Request-Headers")
            if asked:
                headers["Access-Control-Allow-Headers"] = asked
        return headers


def _normal(origin: str) -> str:
    """`scheme://host[:port]` in lower case, without a default port."""
    try:
        parts = urlsplit(origin.lower())
        port = parts.port
    except ValueError:
        return origin
    if not parts.scheme or not parts.hostname:
        return origin  # "null" is what a page without an origin sends; it is the same as nobody
    scheme = _SCHEMES.get(parts.scheme, parts.scheme)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    is_default = port is None or _DEFAULT_PORTS.get(scheme) == port
    return f"{scheme}://{host}" if is_default else f"{scheme}://{host}:{port}"


def _is_same(origin: str, request: web.BaseRequest) -> bool:
    """The scheme is left out: behind a proxy that ends TLS this server sees only http."""
    scheme, _, place = origin.partition("://")
    if not place:
        return False
    hosts = (request.headers.get("Host", ""), request.headers.get("X-Forwarded-Host", "").split(",")[0].strip())
    return any(host and _normal(f"{scheme}://{host}") == f"{scheme}://{place}" for host in hosts)
