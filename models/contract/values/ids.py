"""Ids: a calendar's slug, UUIDv7 for everything else, and the nonces of cursors."""

from __future__ import annotations

import os
import re

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)

_NONCE_BYTES = 6
_VARIANT = "89ab"
_VARIANTS = {f"{nibble:x}": _VARIANT[nibble & 3] for nibble in range(16)}

_spare: list[bytes] = []
os.register_at_fork(after_in_child=_spare.clear)


def _random() -> bytes:
    """Return ten random bytes. They are drawn by the thousand, since each draw releases the interpreter's lock."""
    try:
        return _spare.pop()
    except IndexError:
        drawn = os.urandom(10 * 1_000)
        _spare.extend([drawn[place : place + 10] for place in range(0, len(drawn), 10)])
        return os.urandom(10)


def new_id(now: int) -> str:
    """Return a UUIDv7 (RFC 9562, 5.7) of the time `now`, in milliseconds."""
    time, random = f"{now:012x}", _random()
    text = random.hex()
    return f"{time[:8]}-{time[8:]}-7{text[:3]}-{_VARIANT[random[2] & 3]}{text[5:8]}-{text[8:]}"


def new_ids(now: int, count: int) -> list[str]:
    """Return so many of them, in half of the time."""
    time, drawn = f"{now:012x}", os.urandom(10 * count).hex()
    head = f"{time[:8]}-{time[8:]}-7"
    texts = [drawn[place : place + 20] for place in range(0, 20 * count, 20)]
    return [f"{head}{text[:3]}-{_VARIANTS[text[3]]}{text[5:8]}-{text[8:]}" for text in texts]


def first_id(moment: int) -> str:
    """Return a text that is before every id made since then, and after those made earlier."""
    time = f"{max(moment, 0):012x}"
    return f"{time[:8]}-{time[8:]}"


def new_nonce() -> str:
    """Return a nonce for one change. A restored database that moves on has other nonces for the same seqs."""
    return _random()[:_NONCE_BYTES].hex()
