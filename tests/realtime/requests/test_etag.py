"""ETags name the content of an answer."""

import pytest

from realtime.requests.etag import etag_of, is_known


def test_an_etag_names_a_content() -> None:
    """Equal contents have equal ETags, others have other ones. None of the characters needs a quote."""
    assert etag_of(b"a") == etag_of(b"a") != etag_of(b"b")
    assert etag_of(b"a").isalnum()


@pytest.mark.parametrize(
    ("has", "expected"),
    [("", False), ('"b"', False), ('"a"', True), ('W/"a"', True), ('"b", "a"', True), (" * ", True)],
)
def test_a_client_names_its_etags(has: str, *, expected: bool) -> None:
    """`If-None-Match` is one ETag, a list of them, or `*`."""
    assert is_known("a", has) is expected
