"""The only place that opens time zones: those of the tzdata package, the same on every machine.

A system's own zone files would come first otherwise, and two nodes of different age would open different slots.
"""

from __future__ import annotations

import zoneinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from models.errors import BadRequest

zoneinfo.reset_tzpath(to=())
ZoneInfo.clear_cache()


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - {"Factory"}  # of a machine that was never told where it is


def open_zone(name: str) -> ZoneInfo:
    """The zone with this IANA name; BadRequest for any other text, which so never becomes a path."""
    if name not in _names():
        raise BadRequest("`zone` is an IANA time zone, like Europe/Vienna.", field="zone")
    return ZoneInfo(name)
