"""The auditor: asks the database itself, and fails where its tables do not agree with one another."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg

_COMPLAINTS = {
    "more seats are taken than there are": "SELECT id FROM slot WHERE held + booked > capacity OR held < 0",
    "a slot's held seats are not those of its holds": """
        SELECT id FROM slot WHERE held <>
        (SELECT COALESCE(SUM(seats), 0) FROM hold WHERE hold.slot = slot.id AND hold.state = 0)""",
    "a slot's held_until is not that of its first hold": """
        SELECT id FROM slot WHERE held_until IS DISTINCT FROM
        (SELECT MIN(expires_at) FROM hold WHERE hold.slot = slot.id AND hold.state = 0)""",
    "a slot's booked seats are not those of its bookings": """
        SELECT id FROM slot WHERE booked <>
        (SELECT COALESCE(SUM(seats), 0) FROM booking
         WHERE booking.slot = slot.id AND status IN ('pending', 'confirmed', 'no_show'))""",
    "a seat is taken in a removed slot": "SELECT id FROM slot WHERE state = 2 AND held + booked > 0",
    "a hold or booking is of another calendar than its slot": """
        SELECT slot.id FROM slot
        JOIN (SELECT slot, calendar FROM hold UNION SELECT slot, calendar FROM booking) AS taken ON taken.slot = slot.id
        WHERE taken.calendar <> slot.calendar""",
    "a slot's version is ahead of its calendar": """
        SELECT slot.id FROM slot JOIN calendar ON calendar.id = slot.calendar WHERE slot.version > calendar.seq""",
    "the log has a gap": """
        SELECT calendar FROM change_log GROUP BY calendar HAVING MAX(seq) - MIN(seq) + 1 <> COUNT(*)""",
    "a change does not follow the one before it": """
        SELECT later.calendar, later.seq FROM change_log AS later
        JOIN change_log AS earlier ON earlier.calendar = later.calendar AND earlier.seq = later.seq - 1
        WHERE later.follows <> earlier.nonce""",
    "a change follows nothing": "SELECT calendar, seq FROM change_log WHERE follows = ''",
    "the log does not end at its calendar's head": """
        SELECT calendar.id FROM calendar JOIN change_log AS last ON last.calendar = calendar.id
        GROUP BY calendar.id HAVING MAX(last.seq) <> calendar.seq
        OR NOT EXISTS (SELECT 1 FROM change_log AS head WHERE head.calendar = calendar.id
                       AND head.seq = calendar.seq AND head.nonce = calendar.nonce)""",
}


Ask = Callable[..., list[tuple[Any, ...]]]


@contextmanager
def asking(url: str) -> Iterator[Ask]:
    """A connection that is not the book's, to a URL or a file; parameters are `?`."""
    if url.startswith("postgresql:"):
        with psycopg.connect(url, autocommit=True) as server:

            def ask_server(sql: str, *params: Any) -> list[tuple[Any, ...]]:
                cursor = server.execute(sql.replace("?", "%s"), params or None)
                return cursor.fetchall() if cursor.description else []

            yield ask_server
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as file:
        yield lambda sql, *params: file.execute(sql, params).fetchall()


def query(url: str, sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """One statement, and its rows."""
    with asking(url) as ask:
        return ask(sql, *params)


def _neighbours_are_counted(ask: Ask) -> None:
    """A slot is blocked by as many taken neighbours as the policy makes it have."""
    for calendar, text in ask("SELECT id, policy FROM calendar"):
        policy = json.loads(text)
        room = 1_000 * (policy["buffer_before"] + policy["buffer_after"])
        is_strict = policy["overlap"] == "reject" or room > 0
        slots = ask(
            'SELECT id, start, "end", held + booked, blocked FROM slot WHERE calendar = ? AND state <> 2', calendar
        )
        pressing = [slot for slot in slots if slot[3] and is_strict]
        for name, start, end, _, blocked in slots:
            near = [one[0] for one in pressing if one[1] < end + room and start < one[2] + room and one[0] != name]
            assert blocked == len(near), f"{name} of {calendar} is blocked by {near}"


def audit(url: str) -> None:
    """Fails with the complaint, and the rows that it is about."""
    with asking(url) as ask:
        if not url.startswith("postgresql:"):
            assert ask("PRAGMA integrity_check") == [("ok",)]
        for complaint, sql in _COMPLAINTS.items():
            assert ask(sql) == [], complaint
        _neighbours_are_counted(ask)
