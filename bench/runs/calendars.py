"""Measures the cost of calendars that are watched and do not change: `python -m bench.runs.calendars`.

The server is on the first core and the load on the second. Each watched calendar has one watcher. Bookings go to 20
calendars, however many are watched. A room is opened for the first watcher of its calendar: the cost of the opening is
the difference to the second watcher, who connects and gets the same snapshot.
"""

from __future__ import annotations

import json
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from bench import report
from bench.book import open_slots
from bench.figure import BOOKERS, Numbers
from bench.load import Ask, Group, Load, compile_load
from bench.machine import raise_open_files
from bench.peer import GUEST, Running, slotcast
from models.contract.changes import SLOTS_A_CHANGE
from models.contract.commands.calendars import CreateCalendar
from models.contract.principal import OPERATOR
from models.contract.values.time import DAY, HOUR, read_time, write_time
from models.service import SlotService
from realtime.access.auth import Auth

BOOKED = 20
SEATS = 500
SMALL, LARGE = 50, 300  # slots of a calendar
LARGE_CALENDARS = 300
OPENED = 20  # batches of 200 slots that staff open
LISTED = 8_000  # slots of the calendar with the large feed
POLLS = 500
SPARE_KB = 5  # of a room's bound, beside its JSON
PING_SECONDS = 25.0  # the time in which each client has one ping
_SILENCE_SECONDS = 1.5
_CREATED, _NOT_MODIFIED = 201, 304
_FAR = read_time("2031-01-01T00:00:00Z")


def write_calendars(path: Path, secret: str, count: int) -> int:
    """Write calendars `small-N` and `large-N`, and the ids of the slots to book beside them.

    Return the bytes of JSON of one large calendar's slots.
    """
    service = SlotService(f"sqlite:///{path}", secret.encode(), synchronous="normal")
    service.open()
    first = (service.clock() // DAY + 1) * DAY
    for name, calendars, slots in (("small", count, SMALL), ("large", LARGE_CALENDARS, LARGE)):
        for number in range(calendars):
            calendar = f"{name}-{number}"
            service.run(CreateCalendar(principal=OPERATOR, calendar=calendar, name="Bench", zone="Europe/Vienna"))
            open_slots(service, calendar, first, slots, SEATS if name == "small" and number < BOOKED else 1)
    for name in ("listed", "opened"):
        service.run(CreateCalendar(principal=OPERATOR, calendar=name, name="Bench", zone="Europe/Vienna"))
    open_slots(service, "listed", first, LISTED, 1)
    ids = [
        slot.id
        for place in range(SMALL)
        for number in range(BOOKED)
        for slot in service.snapshot(f"small-{number}", first + place * HOUR, first + (place + 1) * HOUR).slots
    ]
    path.with_name("slots.txt").write_text("".join(f"{name}\n" for name in ids))
    size = sum(len(slot.body) + 1 for slot in service.snapshot("large-0", 0, 1 << 52).slots)
    service.close()
    return size


def watchers(name: str) -> Group:
    """Return clients that each watch a calendar of their own."""
    connect = GUEST.steps[0]
    subscribe = f'42/calendars,0["calendar.subscribe",{{"calendar":"{name}-$i"}}]'
    return GUEST._replace(steps=(connect, subscribe))


@contextmanager
def running(folder: Path, secret: str, program: Path) -> Iterator[tuple[Running, Load]]:
    """Run the server and the load client for the time of the block."""
    sample = {"change": {"slots": [{"id": ""}]}}
    with slotcast(secret, "", sample).running(folder) as server, Load(program, server.port) as load:
        time.sleep(_SILENCE_SECONDS)
        yield server, load


def bookings(server: Running, load: Load, folder: Path, watched: int, count: int) -> Numbers:
    """Book in 20 calendars while so many are watched."""
    load.slots(folder / "slots.txt")
    load.open("bookers", GUEST, BOOKERS)
    load.open("watchers", watchers("small"), watched, at_once=32)
    ask = Ask(
        f'42/calendars,$n["slot.book",{{"slot":"$s","key":"{secrets.token_hex(11)}-$n",'
        '"customer":{"name":"Ada Lovelace","email":"ada@example.org"}}]',
        each=0,  # a change goes to one watcher, so the load waits for the answers only
    )
    load.ask("bookers", "closed", ask, count // 10)
    cpu = server.process.cpu_seconds()
    done = load.ask("bookers", "closed", ask, count)
    return {
        "cpu_us": (server.process.cpu_seconds() - cpu) * 1e6 / done.acked,
        "bookings_per_second": done.acked / done.seconds,
    }


def opening(server: Running, load: Load, name: str, count: int) -> Numbers:
    """Connect the first watcher of each of these calendars, and then a second one.

    Other calendars are opened first, so that the database's caches are full.
    """
    load.open("warm", watchers("small" if name == "large" else "large"), LARGE_CALENDARS, at_once=16)
    time.sleep(_SILENCE_SECONDS)
    cpu, resident = server.process.cpu_seconds(), server.process.resident_bytes()
    load.open("watchers", watchers(name), count, at_once=16)
    time.sleep(_SILENCE_SECONDS)
    first = (server.process.cpu_seconds() - cpu) * 1e3 / count
    taken = (server.process.resident_bytes() - resident) / 1_024 / count
    cpu = server.process.cpu_seconds()
    load.open("again", watchers(name), count, at_once=16)
    time.sleep(_SILENCE_SECONDS)
    second = (server.process.cpu_seconds() - cpu) * 1e3 / count
    return {"first_watcher_ms": first, "second_watcher_ms": second, "room_ms": first - second, "memory_kb": taken}


def requests(server: Running) -> Numbers:
    """Open slots as staff, and poll a large feed that has not changed."""
    asked = HTTPConnection("127.0.0.1", server.port)
    token = Auth(server.secret).write_token("bench", scope="staff", calendars="*", seconds=86_400)

    def ask(method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str]:
        asked.request(method, path, body, headers)
        response = asked.getresponse()
        response.read()
        return response.status, response.getheader("ETag", "")

    def post(batch: int) -> None:
        starts = [_FAR + (batch * SLOTS_A_CHANGE + place) * HOUR for place in range(SLOTS_A_CHANGE)]
        slots = [{"start": write_time(start), "end": write_time(start + HOUR), "capacity": 1} for start in starts]
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"a batch of slots {batch:08}",
        }
        status, _ = ask("POST", "/api/calendars/opened/slots", json.dumps({"slots": slots}), **headers)
        assert status == _CREATED, status

    post(0)
    cpu = server.process.cpu_seconds()
    for batch in range(1, OPENED + 1):
        post(batch)
    opened = (server.process.cpu_seconds() - cpu) * 1e6 / (OPENED * SLOTS_A_CHANGE)
    _, etag = ask("GET", "/calendars/listed.ics")
    cpu = server.process.cpu_seconds()
    for _ in range(POLLS):
        status, _ = ask("GET", "/calendars/listed.ics", **{"If-None-Match": etag})
        assert status == _NOT_MODIFIED, status
    return {"open_slot_us": opened, "feed_304_ms": (server.process.cpu_seconds() - cpu) * 1e3 / POLLS}


def idle(server: Running, load: Load, watched: int) -> Numbers:
    """Watch so many calendars in which nothing happens."""
    if watched:
        load.open("watchers", watchers("small"), watched, at_once=32)
    time.sleep(PING_SECONDS if watched else _SILENCE_SECONDS)  # the first ping comes after so long
    cpu = server.process.cpu_seconds()
    time.sleep(PING_SECONDS)
    return {"idle_percent": (server.process.cpu_seconds() - cpu) / PING_SECONDS * 100}


class Size(NamedTuple):
    """The numbers of watched calendars, of those watched in an idle process, and of bookings."""

    watched: tuple[int, ...] = (20, 1_000, 6_000)
    standing: int = 10_000
    bookings: int = 10_000


def round_of(folder: Path, secret: str, program: Path, size: Size, json_kb: float) -> Numbers:
    """Measure everything once, each on a server of its own."""
    numbers: Numbers = {}
    few, *more = size.watched
    for watched in size.watched:
        with running(folder, secret, program) as (server, load):
            done = bookings(server, load, folder, watched, size.bookings)
        numbers[f"booking_us_{watched}"] = done["cpu_us"]
        numbers[f"bookings_per_second_{watched}"] = done["bookings_per_second"]
    numbers["booking_us"] = numbers[f"booking_us_{few}"]
    for watched in more:
        numbers[f"growth_{watched}"] = numbers[f"booking_us_{watched}"] / numbers["booking_us"]
    for kind in ("small", "large"):
        with running(folder, secret, program) as (server, load):
            numbers |= {f"{name}_{kind}": value for name, value in opening(server, load, kind, LARGE_CALENDARS).items()}
        numbers[f"room_{kind}_ms"] = numbers[f"room_ms_{kind}"]
    numbers["memory_ratio"] = (numbers["memory_kb_large"] - SPARE_KB) / json_kb
    with running(folder, secret, program) as (server, _):
        numbers |= requests(server)
    for name, watched in (("idle_nobody_percent", 0), ("idle_percent", size.standing)):
        with running(folder, secret, program) as (server, load):
            numbers[name] = idle(server, load, watched)["idle_percent"]
    return numbers


def measure(program: Path, folder: Path, rounds: int, size: Size) -> list[Numbers]:
    """Return the figures of each round."""
    secret = secrets.token_urlsafe(32)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        count = max(*size.watched, size.standing, LARGE_CALENDARS)
        json_kb = write_calendars(place / "template.db", secret, count) / 1_024
        return [round_of(place, secret, program, size, json_kb) | {"json_kb": json_kb} for _ in range(rounds)]


def main(
    *,
    watched: Annotated[str, typer.Option(help="numbers of watched calendars, with commas between")] = "20,1000,6000",
    standing: Annotated[int, typer.Option(min=1, help="calendars watched by the idle process")] = Size().standing,
    count: Annotated[int, typer.Option("--bookings", min=100, help="in each round")] = Size().bookings,
    rounds: Annotated[int, typer.Option(min=1, help="of everything; medians are told")] = 3,
) -> None:
    """Measure what watched calendars cost that do not change."""
    raise_open_files()
    size = Size(tuple(int(number) for number in watched.split(",")), standing, count)
    with tempfile.TemporaryDirectory(prefix="slotcast-bench-") as name:
        folder = Path(name)
        done = measure(compile_load(folder), folder, rounds, size)
    report.tell("calendars", done)


if __name__ == "__main__":
    typer.run(main)
