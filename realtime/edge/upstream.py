"""The reads of an edge: those of the service, asked of the core over HTTP by the reading threads."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from msgspec import Raw, Struct

from models.contract.changes import Cursor, Info, Logged, decode_slot_key, read_cursor
from models.contract.errors import NotFound, Overloaded, Refused
from models.contract.request import LAST_MOMENT
from models.contract.values.time import Clock, read_time, system_clock, write_time
from models.service import Head, PackedSlots, PlacedSlot, Snapshot, WriteFigures

T = TypeVar("T")

AWAY = "The core does not answer."
ANSWER_SECONDS = 5.0
MOST_TRIES = 10  # of a calendar that has more slots than one answer, while it changes
_GONE = 410


class _Change(Struct):
    """The parts of a change that the log has in columns."""

    calendar: str
    seq: int
    cursor: str
    type: str


class _Page(Struct):
    changes: list[Raw]
    more: bool


class _Slots(Struct):
    info: Info
    slots: list[Raw]
    seq: int
    cursor: str
    to: str
    server_time: str


class _Problem(Struct):
    code: str
    message: str


_changes = msgspec.json.Decoder(_Change)
_pages = msgspec.json.Decoder(_Page)
_slots = msgspec.json.Decoder(_Slots)
_problems = msgspec.json.Decoder(_Problem)


class _Gone(Exception):
    """The core's log has no changes after the cursor."""


def logged(body: bytes, after: Cursor) -> Logged:
    """Return a change of the wire, the next one after the cursor, as a row of the log."""
    change = _changes.decode(body)
    nonce = read_cursor(change.cursor).nonce
    return Logged(change.calendar, change.seq, nonce, after.nonce, change.type, body)


def logged_rows(bodies: Sequence[Raw], after: Cursor) -> list[Logged]:
    rows: list[Logged] = []
    for body in bodies:
        rows.append(logged(bytes(body), after))
        after = Cursor(rows[-1].seq, rows[-1].nonce)
    return rows


class Upstream:
    """The core as a service of reads (see `models.service.SlotService`). Commands go another way."""

    queued = 0
    max_wait_seconds = 0.0  # for a writer
    figures = WriteFigures()  # of no writer
    free_bytes = None
    standby = None
    notifications = None
    clock_offset = 0

    def __init__(self, url: str, clock: Clock = system_clock) -> None:
        self.url = url
        self.on_commit: Any = None
        self.is_reached = True  # by the last read or look
        self._clock = clock
        self._ahead = 0  # of the core's clock, in milliseconds
        self._parts = urlsplit(url)
        self._threads = threading.local()

    def clock(self) -> int:
        """Return the core's time."""
        return self._clock() + self._ahead

    def snapshot(
        self, calendar: str, begin: int, finish: int, *, most: int = 0, with_bookings: bool = False
    ) -> Snapshot:
        """Return the slots of a window, all of them if `most` is 0; raise NotFound without the calendar."""
        assert not with_bookings
        for _ in range(MOST_TRIES):
            pages = [self._page(calendar, begin, min(finish, LAST_MOMENT))]
            while most == 0 and read_time(pages[-1].to) < min(finish, LAST_MOMENT):
                pages.append(self._page(calendar, read_time(pages[-1].to), min(finish, LAST_MOMENT)))
            first, last = pages[0], pages[-1]
            if first.cursor == last.cursor:
                placed = {slot.id: slot for page in pages for slot in map(_placed, page.slots)}
                cursor, now = read_cursor(last.cursor), read_time(last.server_time)
                packed = PackedSlots.of(placed.values())
                return Snapshot(last.info, cursor.seq, cursor.nonce, read_time(last.to), now, packed, [])
        raise Overloaded("The calendar changes too fast.")

    def _page(self, calendar: str, begin: int, finish: int) -> _Slots:
        window = {"from": write_time(begin), "to": write_time(finish)}
        page = self._get(f"/api/calendars/{quote(calendar, safe='')}/slots?{urlencode(window)}", _slots)
        self._ahead = read_time(page.server_time) - self._clock()
        return page

    def head(self, calendar: str) -> Head:
        """Return the calendar's info and its cursor."""
        page = self._page(calendar, LAST_MOMENT - 1, LAST_MOMENT)
        cursor = read_cursor(page.cursor)
        return Head(page.info, cursor.seq, cursor.nonce)

    def new_rows(self, have: dict[str, Cursor]) -> dict[str, list[Logged]]:
        """Return the rows after each cursor, where there are any; none for a cursor that the core does not know."""
        found = {}
        for calendar, cursor in have.items():
            rows = self.changes_after(calendar, cursor)
            if rows or rows is None:
                found[calendar] = rows or []
        return found

    def changes_after(self, calendar: str, cursor: Cursor) -> list[Logged] | None:
        """Return a page of the changes after the cursor; None if the log has lost them."""
        query = urlencode({"after": f"{cursor.seq}.{cursor.nonce}"})
        try:
            page = self._get(f"/api/calendars/{quote(calendar, safe='')}/changes?{query}", _pages)
        except _Gone:
            return None
        return logged_rows(page.changes, cursor)

    def changes_before(self, _calendar: str, _seq: int) -> list[Logged]:
        """Return nothing: the core gives changes by their cursor only."""
        return []

    def close_thread_connection(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._threads, "connection", None)
        if connection is not None:
            connection.close()

    def close(self) -> None:
        """Close nothing: each thread has its own connection."""

    def _get(self, path: str, decoder: msgspec.json.Decoder[T]) -> T:
        """Return the decoded answer. Raise the core's refusal, or Overloaded if the answer is none of the core's."""
        try:
            status, body = self._ask(path)
            self.is_reached = True
            return decoder.decode(_checked(status, body))
        except (OSError, http.client.HTTPException, msgspec.MsgspecError) as error:
            self.is_reached = False
            raise Overloaded(AWAY) from error

    def _ask(self, path: str) -> tuple[int, bytes]:
        """Return status and body. Ask once more where a kept connection has ended meanwhile."""
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        while True:
            connection = getattr(self._threads, "connection", None)
            is_kept = connection is not None
            if connection is None:
                connection = self._threads.connection = kind(self._parts.netloc, timeout=ANSWER_SECONDS)
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self._threads.connection = None
                if not is_kept or isinstance(error, TimeoutError):
                    raise


def _placed(body: Raw) -> PlacedSlot:
    key = decode_slot_key(body)
    return PlacedSlot(read_time(key.start), read_time(key.end), key.id, bytes(body))


def _checked(status: int, body: bytes) -> bytes:
    """Return the body of an answer. Raise the core's refusal, or DecodeError if it is not the core's."""
    if status == http.client.OK:
        return body
    if status == _GONE:
        raise _Gone
    problem = _problems.decode(body)
    raise refusal_of(problem.code, problem.message)


def refusal_of(code: str, message: str) -> Refused:
    """Return the refusal of a read by the core. A guest may not know more than that a calendar is not there."""
    if code in {"not_found", "unauthorized", "forbidden"}:
        return NotFound(message, what="calendar")
    return Overloaded(message)
