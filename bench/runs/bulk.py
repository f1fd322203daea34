"""Measures the wait of other calendars' commands while outside SQL changes 50,000 slots, and while they are taken.

The statement runs in a process of its own. SQLite has one writer at a time, so everybody waits for it there: a bare
connection, which asks for one small transaction at a time beside the same statement and without a server, shows how
long. The commands after the statement's commit show what the taking adds.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count
from typing import Any, NamedTuple, Protocol

import psycopg

from models.contract.commands.slots import NewSlot, OpenSlots
from models.contract.errors import Overloaded
from models.contract.principal import OPERATOR
from models.contract.values.time import HOUR
from models.storage.triggers.sqlite import ignore_own
from realtime.async_service import AsyncService

BULK = 50_000
FIRST = 1_990_774_800_000
OTHERS = ("other", "other-2", "other-3")  # of three writers on PostgreSQL; the second has that of the bulk
AFTERWARDS_SECONDS = 3.0  # that the bare connection goes on

_STATEMENT = """
import sys
place, sql = sys.argv[1:]
if place.startswith("postgresql:"):
    import psycopg
    with psycopg.connect(place, autocommit=True) as connection:
        connection.execute(sql)
        print(flush=True)
else:
    import sqlite3
    connection = sqlite3.connect(place.removeprefix("sqlite:///"), isolation_level=None, timeout=60)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(sql)
    print(flush=True)
"""


class Served(Protocol):
    service: AsyncService


class Waits(NamedTuple):
    """Milliseconds of single commands: those asked for during the statement, and those after its commit."""

    during: list[float]
    after: list[float]
    statement_seconds: float
    taken_seconds: float


def connect(place: str) -> Any:
    """Connect as somebody who is not the service."""
    if place.startswith("postgresql:"):
        return psycopg.connect(place, autocommit=True)
    return sqlite3.connect(place.removeprefix("sqlite:///"), isolation_level=None, timeout=60, check_same_thread=False)


def insert_sql(place: str, slots: int = BULK) -> str:
    """Return one statement that inserts so many slots into the calendar `bench`."""
    numbers = (
        f"generate_series(1, {slots}) AS n"
        if place.startswith("postgresql:")
        else f"(WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {slots}) SELECT n FROM g)"
    )
    at = f"{FIRST + 9_000 * HOUR} + n * CAST(1000 AS BIGINT)"
    return f"INSERT INTO slot (calendar, start, \"end\") SELECT 'bench', {at}, {at} + 500 FROM {numbers}"


def update_sql() -> str:
    return "UPDATE slot SET capacity = capacity + 1 WHERE calendar = 'bench'"


async def beside_service(served: Served, place: str, sql: str) -> Waits:
    """Open slots of other calendars, one command at a time, until the statement is taken."""
    numbers = count(time.time_ns())
    watching = connect(place)

    async def ask() -> None:
        number = next(numbers)
        start = FIRST + number % 10_000_000 * 1_000
        slot = NewSlot(start=start, end=start + 1_000)
        calendar = OTHERS[number % len(OTHERS)]
        await served.service.run(OpenSlots(principal=OPERATOR, key=f"other {number}", calendar=calendar, slots=(slot,)))

    def has_ended() -> bool:
        return not watching.execute("SELECT 1 FROM touched LIMIT 1").fetchall()

    try:
        return await _measure(place, sql, ask, lambda: asyncio.to_thread(has_ended))
    finally:
        watching.close()


async def bare(place: str, sql: str) -> Waits:
    """Insert rows of other calendars by a bare connection as the service's are; the floor."""
    connection, numbers, ends = connect(place), count(time.time_ns()), count()
    insert = "INSERT INTO slot (calendar, start, \"end\") VALUES ('other', {}, {})"
    begin = "BEGIN; SET LOCAL slotcast.service = 'on'"
    if not place.startswith("postgresql:"):
        connection.set_authorizer(ignore_own)
        begin = "BEGIN IMMEDIATE"

    def write() -> None:
        start = FIRST + next(numbers) % 10_000_000 * 1_000
        for statement in (begin, insert.format(start, start + 1_000), "COMMIT"):
            connection.execute(statement)

    async def has_ended() -> bool:
        return next(ends) * _ASK_SECONDS > AFTERWARDS_SECONDS

    try:
        return await _measure(place, sql, lambda: asyncio.to_thread(write), has_ended)
    finally:
        connection.close()


_ASK_SECONDS = 0.1


async def _measure(
    place: str, sql: str, ask: Callable[[], Awaitable[None]], has_ended: Callable[[], Awaitable[bool]]
) -> Waits:
    asked: list[tuple[float, float]] = []

    async def keep_asking() -> None:
        while True:
            began = time.perf_counter()
            with suppress(Overloaded):  # SQLite's lock was not free for ten seconds
                await ask()
            asked.append((began, 1e3 * (time.perf_counter() - began)))
            await asyncio.sleep(0.005)

    asking, began = asyncio.create_task(keep_asking()), time.perf_counter()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _STATEMENT, place, sql, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert await child.stdout.readline(), "the statement failed"
    committed = time.perf_counter()
    while not await has_ended():  # noqa: ASYNC110 - a database has no event
        await asyncio.sleep(_ASK_SECONDS)
    ended = time.perf_counter()
    asking.cancel()
    await asyncio.wait([asking])
    await child.wait()
    return Waits(
        [wait for at, wait in asked if at <= committed],
        [wait for at, wait in asked if at > committed],
        committed - began,
        ended - committed,
    )
