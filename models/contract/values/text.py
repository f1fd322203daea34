"""Checks texts that clients send: fields of one line, and fields of several lines."""

from __future__ import annotations

import re

from models.contract.errors import BadRequest

# Control characters (C0, DEL, C1), the line and paragraph separators, and the controls of writing direction: with
# these a text would show as another one.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

# White space and characters without a glyph: zero-width ones, fillers and variation selectors.
_INVISIBLE = re.compile(
    r"[\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2064\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]*"
)

# PostgreSQL takes no NUL, and no database half of a pair of surrogates.
_STORABLE = re.compile(r"[^\0\ud800-\udfff]*")


def is_storable(text: str) -> bool:
    """Say if every database takes the text. Another one is the name of nothing."""
    return _STORABLE.fullmatch(text) is not None


def check_line(text: str, name: str, *, most: int, field: str = "") -> str:
    """Return a text of one line without the spaces around it; BadRequest for control characters, or for more than
    `most` characters. A text that shows nothing is empty.
    """
    if _CONTROL.search(text):
        raise BadRequest(f"`{name}` is one line, without control characters.", field=field or name)
    return _checked_length(text, name, most=most, field=field)


def check_lines(text: str, name: str, *, most: int, field: str = "") -> str:
    """Do the same for a text that may have line breaks and tabs."""
    if _CONTROL_BUT_LINES.search(text):
        raise BadRequest(f"`{name}` has no control characters but line breaks.", field=field or name)
    return _checked_length(text, name, most=most, field=field)


def _checked_length(text: str, name: str, *, most: int, field: str) -> str:
    text = text.strip()
    if not text.isascii() and _INVISIBLE.fullmatch(text):
        return ""
    if len(text) > most:
        raise BadRequest(f"`{name}` has at most {most} characters.", field=field or name)
    return text
