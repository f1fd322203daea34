"""Tells secrets that a person has typed from random ones."""

from __future__ import annotations

import re

_LEAST_DIFFERENT = 12  # characters of a secret; a random one of 32 letters has some 20
_LEAST_DIFFERENT_OF_HEX = 8  # a random one of 32 hexadecimal digits has 14, and sometimes only 10
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_PLACEHOLDERS = re.compile(r"(?i)(change|replace).{0,3}(me|this)|example|placeholder|password|passphrase")
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "0123456789", "1234567890")
_LEAST_RUN = 5  # characters in the order of a row
_RUNS = sorted(
    {row[begin:end] for row in _ROWS for begin in range(len(row)) for end in range(begin + _LEAST_RUN, len(row) + 1)},
    key=len,
    reverse=True,
)


def can_be_guessed(secret: bytes) -> bool:
    """Say if the secret has few different characters, is a placeholder, or is little beside rows of the keyboard."""
    text = secret.decode(errors="replace")
    least = _LEAST_DIFFERENT_OF_HEX if _HEX.fullmatch(text) else _LEAST_DIFFERENT
    rest = text.lower()
    for run in _RUNS:
        rest = rest.replace(run, "")
    return len(set(text)) < least or len(rest) < len(text) / 2 or _PLACEHOLDERS.search(text) is not None
