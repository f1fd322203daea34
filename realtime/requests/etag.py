"""ETags: a client with the content of an answer gets no body again."""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple


class Tagged(NamedTuple):
    """An answer's body, a JSON object without its first brace, and its ETag.

    There is no body for a client with the same ETag.
    """

    etag: str
    body: bytes | None


def etag_of(content: bytes) -> str:
    """Return the ETag of a content."""
    return blake2b(content, digest_size=12).hexdigest()


def is_known(etag: str, has: str) -> bool:
    """Whether a client has this content, by its `If-None-Match`: a list of ETags, or `*` for any."""
    return etag in has or has.strip() == "*"
