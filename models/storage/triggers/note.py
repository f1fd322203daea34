"""The common part of both dialects' triggers: names, bounds, the refusals, and a new beginning of histories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.contract.changes import CUSTOMER_CHARACTERS, NAME_CHARACTERS

PREFIX = "outside_"

Run = Callable[[str], Any]

_HEX = "[0-9a-f]"
UUID_GLOB = "-".join(_HEX * count for count in (8, 4, 4, 4, 12))
UUID_PATTERN = f"^{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}$"
DURATION_FIELDS = ("min_notice", "max_advance", "cancel_notice", "buffer_before", "buffer_after")
LATEST = 253_402_214_400_000  # 9999-12-31
LONGEST_DURATION = 366 * 86_400
LEAST_PENDING = 60
LIMIT_FIELDS = ("max_bookings", "max_bookings_per_day")  # null for no limit
POLICY_FIELDS = (
    *DURATION_FIELDS,
    *LIMIT_FIELDS,
    "pending_seconds",
    "hold_seconds",
    "overlap",
    "max_holds",
    "confirmation",
    "verification",
    "place",
    "phone",
    "questions",
)
QUESTION_FIELDS = ("label", "required", "choices")

BAD_ID = "the id is not a UUID in lower case"
BAD_IDS = "an id is a text of a-z, 0-9 and -"
BAD_CALENDAR = "the id of a calendar is a slug: a-z, 0-9 and -, up to 63 characters"
BAD_DATA = "the data of a slot is not JSON of at most 4096 bytes"
BAD_NAME = f"the name of a calendar has 1 to {NAME_CHARACTERS} characters"
_MOST = ", ".join(f"{most} characters of {name}" for name, most in CUSTOMER_CHARACTERS.items())
BAD_CUSTOMER = f"a customer has at most {_MOST}"
BAD_TIME = "created_at is not between 1970 and 9999"
BAD_TEXT = "a text is not UTF-8"
BAD_POLICY = "the policy is not one that the API takes"
BAD_TRUNCATE = "TRUNCATE needs READ COMMITTED; use DELETE at another isolation level"
OVERFULL = "more seats are taken than the slot has"
REMOVED = "a seat is taken in a removed slot"


def begin_anew(run: Run, nonce: str) -> None:
    """Begin another history of every calendar, as a change of the old one may be lost."""
    last = "(SELECT COALESCE(MAX(log.seq), 0) FROM change_log AS log WHERE log.calendar = calendar.id)"
    run(f"UPDATE calendar SET nonce = {nonce}, seq = 1 + CASE WHEN seq > {last} THEN seq ELSE {last} END")
    columns = "calendar, seq, at, command, actor, slots, bookings, overridden"
    run(
        f"INSERT INTO history ({columns}, sub) SELECT {columns}, '' FROM change_log WHERE command <> ''"
        " ON CONFLICT DO NOTHING"
    )
    run("DELETE FROM change_log")
