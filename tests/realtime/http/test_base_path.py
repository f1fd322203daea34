"""The path under which a proxy serves Slotcast: how it is written, and how it leaves a request."""

import pytest
from aiohttp import web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.test_utils import make_mocked_request
from yarl import URL

from realtime.http.base_path import prefix_of, read_base_path, stripping


@pytest.mark.parametrize(("text", "path"), [("", ""), ("/", ""), ("/slots", "/slots"), ("/a/b.c/", "/a/b.c")])
def test_a_path_has_no_last_slash(text: str, path: str) -> None:
    """A path is read without its last slash; the root is none."""
    assert read_base_path(text) == path


@pytest.mark.parametrize("text", ["slots", "/a b", "//a", "/a/../b", "https://a/b", "/a?b", "/" + "a" * 201, "/ä"])
def test_anything_else_is_no_path(text: str) -> None:
    """A setting in another form is refused, and such a header of a proxy is ignored."""
    with pytest.raises(ValueError, match="/slots"):
        read_base_path(text)
    assert prefix_of(make_mocked_request("GET", "/", headers={"X-Forwarded-Prefix": text})) == ""


@pytest.mark.parametrize(
    ("path", "left"),
    [("/slots/", "/"), ("/slots/c/a%20b?x=%2F&x=1", "/c/a%20b?x=%2F&x=1"), ("/slotsome", "/slotsome"), ("/c/a", "/c/a"),
     ("/slots", "/slots"), ("/slots//", "/")],
)  # fmt: skip
def test_a_request_leaves_its_path(path: str, left: str) -> None:
    """The path is taken off, whether a proxy has taken it off before or not; the query stays as it came."""
    made: list[RawRequestMessage] = []

    def keep(message: RawRequestMessage, *_: object) -> web.BaseRequest:
        made.append(message)
        return make_mocked_request("GET", "/")

    plain = make_mocked_request("GET", path)
    message = plain._message._replace(
        url=URL.build(path=path.partition("?")[0], query_string=path.partition("?")[2], encoded=True)
    )
    stripping("/slots", keep)(message)
    assert (made[0].path, str(made[0].url)) == (left, left)
