"""The part of the triggers that both dialects share: names, bounds, the refusals, and a new beginning of histories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PREFIX = "outside_"

Run = Callable[[str], Any]

_HEX = "[0-9a-f]"
UUID_GLOB = "-".join(_HEX * count for count in (8, 4, 4, 4, 12))
UUID_PATTERN = f"^{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}$"
DURATION_FIELDS = ("min_notice", "max_advance", "cancel_notice", "buffer_before", "buffer_after")
LONGEST_DURATION = 366 * 86_400
LEAST_PENDING = 60
POLICY_FIELDS = (*DURATION_FIELDS, "pending_seconds", "hold_seconds", "overlap", "max_holds", "confirmation")

BAD_ID = "the id is not a UUID in lower case"
BAD_CALENDAR = "the id of a calendar is a slug: a-z, 0-9 and -, up to 63 characters"
BAD_DATA = "the data of a slot is not JSON of at most 4096 bytes"
BAD_POLICY = "the policy is not one that the API takes"
OVERFULL = "more seats are taken than the slot has"


def begin_anew(run: Run, nonce: str) -> None:
    """Begin another history of every calendar, so that no client goes on from a change that may be lost."""
    last = "(SELECT COALESCE(MAX(log.seq), 0) FROM change_log AS log WHERE log.calendar = calendar.id)"
    run(f"UPDATE calendar SET nonce = {nonce}, seq = 1 + CASE WHEN seq > {last} THEN seq ELSE {last} END")
    run("DELETE FROM change_log")
