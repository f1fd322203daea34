"""A change with the address from which it was asked for."""

from __future__ import annotations

# The calendar, the seq, the time in milliseconds, and the address. A plain tuple: each command makes one.
Addressed = tuple[str, int, int, str]
