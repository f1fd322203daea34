"""Decides by origin whether a web page may connect. By default only the server's own origin may.

Browsers apply no cross-origin rule to WebSockets. Without a check of Origin, any page that a visitor has open could
use the server. Apps in a web view (Capacitor, Ionic, Tauri, Electron) and some devices send an origin of their own
scheme, `file://` or `null`. Each can be listed literally.
"""

import asyncio
import copy
import logging
import re
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from aiohttp import web

Allowed: TypeAlias = "str | Iterable[str] | Callable[..., bool] | None"

logger: Final = logging.getLogger(__name__)

_SCHEMES: Final = {"ws": "http", "wss": "https"}  # the Swift client sends the socket's own scheme
_PLAIN_SCHEMES: Final = frozenset({"http", "ws"})
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_ORIGIN: Final = re.compile(r"null|[a-z][a-z0-9+.-]*://[^/?#\s]*", re.ASCII | re.IGNORECASE)
_MOST_LOGGED: Final = 20  # origins: invented ones must not fill the log or the memory
_LOGGED_SECONDS: Final = 3_600.0  # a full list is cleared after this time
_LONGEST_SHOWN: Final = 200  # characters of an origin


class Origins:
    """The rule. `allowed` is None (the same origin only), more origins, `"*"`, or a function.

    A function takes the origin, and with two arguments also the request's headers under WSGI's names. `setting` is
    the operator's name of the list. `scheme_of` returns the scheme that the client uses: a proxy may have ended TLS.
    """

    def __init__(
        self,
        allowed: Allowed,
        *,
        with_credentials: bool = True,
        setting: str = "cors_allowed_origins",
        scheme_of: Callable[[web.BaseRequest], str] | None = None,
    ) -> None:
        self._setting = setting
        self._scheme_of = scheme_of or _own_scheme
        self._logged: set[str] = set()
        self._logged_since = 0.0
        self._function = allowed if callable(allowed) else None
        listed = [allowed] if isinstance(allowed, str) else () if allowed is None or callable(allowed) else allowed
        self._is_open_to_all = "*" in listed
        self._listed = frozenset(_normal(origin) for origin in listed)
        self._with_credentials = with_credentials

    def without_credentials(self) -> "Origins":
        """Return the same rule for answers without cookies. The two share the log of refused origins."""
        twin = copy.copy(self)
        twin._with_credentials = False  # noqa: SLF001 - its own
        return twin

    def is_allowed(self, request: web.BaseRequest) -> bool:
        """Return whether this request is allowed. Without an Origin it is no cross-origin request of a browser."""
        origin = request.headers.get("Origin")
        if origin is None or self._is_open_to_all:
            return True
        if self._function is not None:
            return self._ask(self._function, origin, request)
        if request.headers.get("Sec-Fetch-Site") == "same-origin":
            return True  # said by the browser, and no page can: a proxy may hide the page's host from this server
        host = request.headers.get("Host")
        if host and origin.partition("://")[2] == host and not self._is_without_tls(origin, request):
            return True  # the usual case, without parsing
        normal = _normal(origin)
        return normal in self._listed or (_is_same(normal, request) and not self._is_without_tls(normal, request))

    def _is_without_tls(self, origin: str, request: web.BaseRequest) -> bool:
        """Return whether a page without TLS asks a server with TLS: anyone on its way may have written that page."""
        is_plain = origin.partition(":")[0].lower() in _PLAIN_SCHEMES
        return is_plain and self._scheme_of(request) == "https"

    def refuse(self, request: web.BaseRequest) -> str:
        """Return the message for a refused client, and log its origin the first time."""
        origin = request.headers.get("Origin", "")[:_LONGEST_SHOWN]
        if _ORIGIN.fullmatch(origin) and self._is_new(origin):  # anything else is no page or app
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
        if len(self._logged) == _MOST_LOGGED:
            logger.warning("More origins are refused. They are not logged for %d s.", _LOGGED_SECONDS)
        return True

    @staticmethod
    def _ask(function: Callable[..., bool], origin: str, request: web.BaseRequest) -> bool:
        """Call the function as engineio does, with two arguments or with one."""
        environ = {"REMOTE_ADDR": request.remote or "", "QUERY_STRING": request.query_string}
        environ |= {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in request.headers.items()}
        try:
            return function(origin, environ)
        except TypeError:
            return function(origin)

    def headers(self, request: web.BaseRequest) -> dict[str, str]:
        """Return the CORS headers. `"*"` never allows credentials: any page could act as the visitor."""
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


def _own_scheme(request: web.BaseRequest) -> str:
    return request.scheme


def _normal(origin: str) -> str:
    """Return `scheme://host[:port]` in lower case, without a default port."""
    try:
        parts = urlsplit(origin.lower())
        port = parts.port
    except ValueError:
        return origin
    if not parts.scheme or not parts.hostname:
        return origin.lower()  # "null" or "file://": matches only a literal entry
    scheme = _SCHEMES.get(parts.scheme, parts.scheme)
    host = f"[{_short(parts.hostname)}]" if ":" in parts.hostname else parts.hostname
    is_default = port is None or _DEFAULT_PORTS.get(scheme) == port
    return f"{scheme}://{host}" if is_default else f"{scheme}://{host}:{port}"


def _short(address: str) -> str:
    """Return an IPv6 address in the form of a browser."""
    try:
        return str(ip_address(address))
    except ValueError:
        return address


def _is_same(origin: str, request: web.BaseRequest) -> bool:
    """Compare hosts without the scheme: behind a proxy that ends TLS this server sees only http."""
    scheme, _, authority = origin.partition("://")
    if not authority:
        return False
    hosts = (request.headers.get("Host", ""), request.headers.get("X-Forwarded-Host", "").split(",")[0].strip())
    return any(host and _normal(f"{scheme}://{host}") == f"{scheme}://{authority}" for host in hosts)


def origins_of(allowed: "Allowed | Origins", *, with_credentials: bool) -> Origins:
    """Return the rule of an application: one that is made already, or a new one."""
    return allowed if isinstance(allowed, Origins) else Origins(allowed, with_credentials=with_credentials)
