"""The tables. Times are milliseconds since the epoch.

The models have the tables' defaults, for scripts that write with them: see docs/database.md. Their rows are in rows.py.
"""

from __future__ import annotations

from peewee import AutoField, BigIntegerField, BlobField, BooleanField, CompositeKey, IntegerField, Model, TextField

from models.contract.values.ids import new_id, new_nonce
from models.contract.values.time import SECOND, system_clock

NEW_POLICY = '{"overlap":"reject"}'  # of a calendar that an outside writer makes
HOLD_SECONDS = 300  # of a hold without an `expires_at`


def _id() -> str:
    return new_id(system_clock())


def _soon() -> int:
    return system_clock() + HOLD_SECONDS * SECOND


class Calendar(Model):
    id = TextField(primary_key=True)
    name = TextField()
    zone = TextField(default="Etc/UTC")
    visibility = TextField(default="public")
    booking = TextField(default="anyone")
    policy = TextField(default=NEW_POLICY)
    archived = BooleanField(default=False)
    created_at = BigIntegerField(default=system_clock)
    seq = BigIntegerField(default=0)
    nonce = TextField(default=new_nonce)
    data = TextField(null=True)

    class Meta:
        table_name = "calendar"


class Slot(Model):
    id = TextField(primary_key=True, default=_id)
    calendar = TextField()
    start = BigIntegerField()
    end = BigIntegerField()
    capacity = IntegerField(default=1)
    held = IntegerField(default=0)
    booked = IntegerField(default=0)
    blocked = IntegerField(default=0)
    held_until = BigIntegerField(null=True)
    state = IntegerField(default=0)
    origin = IntegerField(default=0)
    version = BigIntegerField(default=0)
    data = TextField(null=True)
    dropped = BooleanField(default=False)
    changed_at = BigIntegerField(default=0)
    busy = IntegerField(default=0)
    overbooked = IntegerField(default=0)

    class Meta:
        table_name = "slot"


class Hold(Model):
    id = TextField(primary_key=True, default=_id)
    calendar = TextField()
    slot = TextField()
    seats = IntegerField(default=1)
    holder = TextField(default="")
    state = IntegerField(default=0)
    created_at = BigIntegerField(default=system_clock)
    expires_at = BigIntegerField(default=_soon)
    overridden = TextField(default="")

    class Meta:
        table_name = "hold"


class Booking(Model):
    id = TextField(primary_key=True, default=_id)
    calendar = TextField()
    slot = TextField()
    seats = IntegerField(default=1)
    status = TextField(default="confirmed")
    name = TextField(null=True)
    email = TextField(null=True)
    phone = TextField(null=True)
    note = TextField(null=True)
    created_at = BigIntegerField(default=system_clock)
    version = BigIntegerField(default=0)
    changed_at = BigIntegerField(default=0)
    booked_by = TextField(default="")
    data = TextField(null=True)
    overridden = TextField(default="")
    expires_at = BigIntegerField(null=True)

    class Meta:
        table_name = "booking"


class StoredRecord(Model):
    id = TextField(primary_key=True)
    calendar = TextField()
    fingerprint = TextField()
    seq = BigIntegerField()
    cursor = TextField()
    result = BlobField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "receipt"


class Log(Model):
    calendar = TextField()
    seq = BigIntegerField()
    nonce = TextField()
    follows = TextField()
    at = BigIntegerField()
    type = TextField()
    body = BlobField()
    bookings = TextField()
    command = TextField()
    actor = TextField()
    slots = TextField()
    overridden = TextField()

    class Meta:
        table_name = "change_log"
        primary_key = CompositeKey("calendar", "seq")


class StoredEntry(Model):
    """An entry of the history whose actor has a name, `sub`, or whose change was trimmed from the log."""

    calendar = TextField()
    seq = BigIntegerField()
    at = BigIntegerField()
    command = TextField()
    actor = TextField()
    sub = TextField()
    slots = TextField()
    bookings = TextField()
    overridden = TextField()

    class Meta:
        table_name = "history"
        primary_key = CompositeKey("calendar", "seq")


class StoredAddresses(Model):
    """The addresses from which the changes `first` to `seq` of a calendar were asked for: `seq=address` each."""

    calendar = TextField()
    seq = BigIntegerField()
    first = BigIntegerField()
    at = BigIntegerField()
    addresses = TextField()

    class Meta:
        table_name = "history_address"
        primary_key = CompositeKey("calendar", "seq")


class StoredSchedule(Model):
    """A calendar's schedule, the last local date with slots made from it, and the time of its next date.

    A `due_at` of 0 is not known yet.
    """

    calendar = TextField(primary_key=True)
    body = TextField()
    generated_until = TextField()
    version = BigIntegerField()
    due_at = BigIntegerField(default=0)

    class Meta:
        table_name = "timetable"


class Touched(Model):
    """A note of a trigger: an outside writer has touched a row."""

    id = AutoField()
    kind = TextField()
    calendar = TextField()
    subject = TextField()
    seq = BigIntegerField(null=True)
    nonce = TextField(null=True)
    start = BigIntegerField(null=True)
    end = BigIntegerField(null=True)

    class Meta:
        table_name = "touched"


class WaitingSlot(Model):
    """A slot of a schedule that waits behind another slot, and opens once that slot leaves its place."""

    calendar = TextField()
    start = BigIntegerField()
    end = BigIntegerField()
    capacity = IntegerField()
    data = TextField(null=True)
    behind = TextField()

    class Meta:
        table_name = "waiting_slot"
        primary_key = CompositeKey("calendar", "start", "end")


class BusySource(Model):
    """A source of busy times: a URL, or an uploaded file. `body` is its last good copy. A removed one keeps its
    row without both, for a repeated request.
    """

    id = TextField(primary_key=True)
    calendar = TextField()
    name = TextField()
    url = TextField(null=True)
    body = BlobField(null=True)
    etag = TextField()
    modified = TextField()
    created_at = BigIntegerField()
    checked_at = BigIntegerField()
    fetched_at = BigIntegerField()
    expanded_at = BigIntegerField()
    error = TextField()
    failing_since = BigIntegerField(null=True)
    removed = IntegerField(default=0)

    class Meta:
        table_name = "busy_source"


class BusyTime(Model):
    """A time range `[start, end)` in which a calendar's slots can't be taken."""

    calendar = TextField()
    source = TextField()
    start = BigIntegerField()
    end = BigIntegerField()

    class Meta:
        table_name = "busy"
        primary_key = False


class PrivateFeed(Model):
    """A feed with a key. The key is an HMAC of the id, and is not stored. A revoked one keeps its row."""

    id = TextField(primary_key=True)
    calendar = TextField()
    name = TextField()
    scope = TextField()
    created_at = BigIntegerField()
    revoked = IntegerField(default=0)

    class Meta:
        table_name = "feed"


class UsedTicket(Model):
    """A ticket that was used and has not ended yet."""

    id = TextField(primary_key=True)
    ends_at = BigIntegerField()

    class Meta:
        table_name = "used_ticket"


class Verification(Model):
    """A booking that waits for the answer to its mail. `caller` and `email` are pseudonyms.

    `mail_at` is the time to send the mail, or to try again; null once it is sent. The guest has asked for it `repeats`
    times more, and last at `asked_at`; null before.
    """

    booking = TextField(primary_key=True)
    caller = TextField()
    email = TextField()
    tries = IntegerField(default=0)
    mails = IntegerField(default=0)
    mail_at = BigIntegerField(null=True)
    created_at = BigIntegerField()
    language = TextField(default="")
    repeats = IntegerField(default=0)
    asked_at = BigIntegerField(null=True)

    class Meta:
        table_name = "verification"


class FeedFloor(Model):
    """The least SEQUENCE of a calendar's feed, as a time. The row of "" is for every calendar."""

    calendar = TextField(primary_key=True)
    at = BigIntegerField()

    class Meta:
        table_name = "feed_floor"


def columns(table: type[Model]) -> list[object]:
    """Return the table's columns, in the order of its row type."""
    return list(table._meta.sorted_fields)  # noqa: SLF001 - Peewee documents it
