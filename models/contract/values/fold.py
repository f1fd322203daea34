"""Texts folded for comparison: without case, and with one form of each letter."""

from __future__ import annotations

from unicodedata import normalize


def fold(text: str) -> str:
    """Return the text without case. The databases are not asked: SQLite knows the case of ASCII letters only."""
    if text.isascii():
        return text.lower()
    return normalize("NFKC", normalize("NFKC", text).casefold())
