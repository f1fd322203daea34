"""Which web pages may connect: those of the same origin, unless told otherwise.

Browsers apply no cross-origin rule to WebSockets, so a server that does not look at Origin can be used
by any page that its visitor has open. Apps in a web view (Capacitor, Ionic, Tauri, Electron) and some devices send
an origin of their own scheme, `file://` or `null`; each can be listed as it is sent.
"""

import asyncio
import copy
import logging
import re
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from aiohttp import web

Allowed: TypeAlias = "str | Iterable[str] | Callable[..., bool] | None"

logger: Final = logging.getLogger(__name__)

_SCHEMES: Final = {"ws": "http", "wss": "https"}  # the Swift client sends the socket's own scheme
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


_ORIGIN: Final = re.compile(r"null|[a-z][a-z0-9+.-]*://[^/?#\s]*", re.ASCII | re.IGNORECASE)
_MOST_LOGGED: Final = 20  # origins; whoever makes them up fills no log and no memory
_LOGGED_SECONDS: Final = 3_600.0  # once full, they are forgotten after so long
_LONGEST_SHOWN: Final = 200  # characters of an origin


class Origins:
    """The rule. `allowed` is None (the same origin only), more origins, `"*"`, or a function.

    A function takes the origin, and the request's headers in WSGI's names if it takes two arguments. `setting` is
    the name under which whoever runs the server knows the list.
    """

    def __init__(
        self, allowed: Allowed, *, with_credentials: bool = True, setting: str = "cors_allowed_origins"
    ) -> None:
        self._setting = setting
        self._logged: set[str] = set()
        self._logged_since = 0.0
        self._function = allowed if callable(allowed) else None
        listed = [allowed] if isinstance(allowed, str) else () if allowed is None or callable(allowed) else allowed
        self._is_open_to_all = "*" in listed
        self._listed = frozenset(_normal(origin) for origin in listed)
        self._with_credentials = with_credentials

    def without_credentials(self) -> "Origins":
        """The same rule, for answers that no page reads with its visitor's cookies; both log an origin once."""
        twin = copy.copy(self)
        twin._with_credentials = False  # noqa: SLF001 - its own
        return twin

    def is_allowed(self, request: web.BaseRequest) -> bool:
        """Whether this request may go on. One without an Origin is not a browser's cross-origin one."""
        origin = request.headers.get("Origin")
        if origin is None or self._is_open_to_all:
            return True
        if self._function is not None:
            return self._ask(self._function, origin, request)
        host = request.headers.get("Host")
        if host and origin.partition("://")[2] == host:
            return True  # the usual case, without parsing
        normal = _normal(origin)
        return normal in self._listed or _is_same(normal, request)

    def refuse(self, request: web.BaseRequest) -> str:
        """The sentence for a client whose origin is not allowed; the first time it goes to the log as well."""
        origin = request.headers.get("Origin", "")[:_LONGEST_SHOWN]
        if _ORIGIN.fullmatch(origin) and self._is_new(origin):  # what is none is no page or app to be let in
            logger.warning("The origin %r was refused. To let it connect, list it in %s.", origin, self._setting)
        return f"The origin {origin!r} may not connect: the server does not list it in {self._setting}."

    def _is_new(self, origin: str) -> bool:
        now = asyncio.get_running_loop().time()
        if len(self._logged) >= _MOST_LOGGED and now > self._logged_since + _LOGGED_SECONDS:
            self._logged.clear()
        if origin in self._logged or len(self._logged) >= _MOST_LOGGED:
            return False
        self._logged_since = now
        self._logged.add(origin)
        return True

    @staticmethod
    def _ask(function: Callable[..., bool], origin: str, request: web.BaseRequest) -> bool:
        """As engineio does: a function of two arguments, or of one."""
        environ = {"REMOTE_ADDR": request.remote or "", "QUERY_STRING": request.query_string}
        environ |= {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in request.headers.items()}
        try:
            return function(origin, environ)
        except TypeError:
            return function(origin)

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
        return origin.lower()  # "null" or "file://"; the same as nobody, unless it is listed
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
