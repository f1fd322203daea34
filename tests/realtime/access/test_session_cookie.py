"""The cookie of a session counts for the server's own pages only."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from models.contract.errors import Forbidden
from realtime.access.session_cookie import SessionCookie

OWN = {"Host": "book.example.org"}
COOKIE = {"Cookie": "slotcast=secret; __Host-slotcast=other"}


def _read(method: str, headers: dict[str, str], *, is_secure: bool = False) -> str | None:
    return SessionCookie().read(
        make_mocked_request(method, "/api/x", headers=OWN | COOKIE | headers), is_secure=is_secure
    )


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_only_own_pages_act_with_it(method: str) -> None:
    """A write shows its origin, and no page of another site counts, also one of another port or subdomain."""
    for proof in ({"Origin": "http://book.example.org"}, {"Sec-Fetch-Site": "same-origin"}):
        assert _read(method, proof) == "secret"
    for origin in ("https://evil.example", "http://book.example.org:81", "https://x.book.example.org", "null"):
        assert _read(method, {"Origin": origin}) is None
    for site in ("cross-site", "same-site"):
        assert _read(method, {"Sec-Fetch-Site": site}) is None
    if method == "GET":
        assert _read(method, {}) == "secret"
    else:
        with pytest.raises(Forbidden):
            _read(method, {})


async def test_a_page_without_tls_has_no_session_behind_tls() -> None:
    """Anyone on its way may have written it."""
    cookie = SessionCookie(lambda _request: "https")
    for origin, secret in (("https://book.example.org", "other"), ("http://book.example.org", None)):
        request = make_mocked_request("POST", "/api/x", headers=OWN | COOKIE | {"Origin": origin})
        assert cookie.read(request, is_secure=True) == secret


async def test_its_name_and_flags_follow_tls() -> None:
    """Behind TLS the browser takes it from TLS only."""
    assert _read("GET", {}, is_secure=True) == "other"
    for is_secure, name in ((False, "slotcast"), (True, "__Host-slotcast")):
        response = web.Response()
        SessionCookie.write(response, "secret", 60, is_secure=is_secure)
        (line,) = [str(cookie.OutputString()) for cookie in response.cookies.values()]
        assert line.startswith(f"{name}=secret;")
        assert {"HttpOnly", "Max-Age=60", "Path=/", "SameSite=Strict"} <= set(line.split("; "))
        assert ("Secure" in line) is is_secure


async def test_a_cookie_of_no_session_is_none() -> None:
    for text in ("slotcast=", f"slotcast={'x' * 200}", "other=1"):
        assert _read("GET", {"Cookie": text}) is None
