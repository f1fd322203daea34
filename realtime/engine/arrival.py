"""The time at which the request under way was read from its client, before it waited for its turn."""

from __future__ import annotations

import time
from contextvars import ContextVar

ARRIVAL: ContextVar[float] = ContextVar("arrival")


def arrived() -> float:
    """Return the time of the request's arrival by `time.monotonic`; now, if nothing has noted it."""
    return ARRIVAL.get(None) or time.monotonic()
