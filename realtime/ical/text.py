"""The text of iCalendar (RFC 5545): values escaped, lines folded, times written."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from models.contract.values.time import SECOND

MOST_OCTETS = 75
# Section 3.1: a text has no control characters. A line break in a value would begin a property.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]+")
_LINE_BREAK = re.compile(r"\r\n|\r|\x85|\u2028|\u2029")
_SPECIAL = re.compile(r"[\\;,]")
# SEQUENCE is an integer of 31 bits: seconds since June 2025.
_SEQUENCE_EPOCH = 1_750_000_000


def escape(text: str) -> str:
    """Return a text as a property's value (section 3.3.11)."""
    plain = _CONTROL.sub(" ", _LINE_BREAK.sub("\n", text)).encode(errors="replace").decode().strip()
    return _SPECIAL.sub(r"\\\g<0>", plain).replace("\n", "\\n")


def one_line(text: str) -> str:
    """Return a text as a value without line breaks, like a name."""
    return escape(" ".join(text.split("\n")).replace("\r", " "))


def quote(text: str) -> str:
    """Return a text as a parameter's value in quotes; it can't hold a quote itself (section 3.2)."""
    plain = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).encode(errors="replace").decode()
    return '"' + plain.replace('"', "'") + '"'


def fold(line: str) -> str:
    """Return a line in parts of at most 75 octets, with its end; no character is cut in two (section 3.1)."""
    if len(line) <= MOST_OCTETS and line.isascii():
        return line + "\r\n"
    parts, part, octets = [], "", 0
    for character in line:
        length = len(character.encode())
        if octets + length > MOST_OCTETS:
            parts.append(part)
            part, octets = " ", 1
        part += character
        octets += length
    return "\r\n".join([*parts, part]) + "\r\n"


def write_moment(moment: int) -> str:
    """Return a time in milliseconds as `20270305T090000Z`."""
    return f"{datetime.fromtimestamp(moment // SECOND, UTC):%Y%m%dT%H%M%SZ}"


def sequence(changed_at: int, floor: int) -> int:
    """Return the SEQUENCE of an event: the second of its last change, or of the feed's floor if that is later."""
    return max(0, max(changed_at, floor) // SECOND - _SEQUENCE_EPOCH)
