"""Measures the booking page in a real Chromium: 5,000 slots on the board, and 200 changes a second.

Run it with `python -m bench.runs.page`. The server is on the first core; the browser and the load are on the second.
The page is open before the slots, as a snapshot has at most 2,000. The changes are those of the seats of random slots.
Frames are the calls of `requestAnimationFrame` in ten seconds. `main_thread_ms` is the CPU time of the page's main
thread in a second of changes, with that of scripts, styles and layout in it. Other programs on the machine change it
less than the frames. The time to the first slots is that of a reload, from the start of the navigation to the first
slot in the document.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from playwright.sync_api import CDPSession, Page, sync_playwright
from rich.console import Console

from bench.book import write_book
from bench.figure import Numbers
from bench.load import Ask, Load, compile_load
from bench.machine import Failed, cores, raise_open_files
from bench.peer import Running, slotcast
from models.contract.commands.calendars import CreateCalendar
from models.contract.principal import OPERATOR
from models.contract.values.time import DAY, HOUR, write_time
from models.service import SlotService
from tests.support.browser import CHROMIUM_FLAGS, find_chromium

_CALENDAR = "page"
_AT_ONCE = 200  # slots of one change
# Another number of seats changes the text of a slot, and flashes it. No watcher of the load is in this calendar.
_CHANGE = Ask('42/staff,$n["slot.update",{"slot":"$s","capacity":$n}]', each=0)
_PATIENCE_MS = 60_000
_SPENT = {
    "main_thread_ms": "TaskDuration",
    "script_ms": "ScriptDuration",
    "style_ms": "RecalcStyleDuration",
    "layout_ms": "LayoutDuration",
}
_FRAMES = """(seconds) => new Promise((resolve) => {
    let frames = 0, longest = 0, last = performance.now();
    const end = last + seconds * 1000;
    const count = (now) => {
        frames += 1;
        longest = Math.max(longest, now - last);
        last = now;
        if (now < end) requestAnimationFrame(count);
        else resolve({ frames: frames / seconds, longest_frame_ms: longest });
    };
    requestAnimationFrame(count);
})"""
# Before the page's own scripts: the observer sees the first slot in the step that draws it.
_FIRST_SLOTS = """new MutationObserver((_, observer) => {
    if (document.querySelector("button.slot") === null) return;
    observer.disconnect();
    window.firstSlots = performance.now();
}).observe(document, { childList: true, subtree: true });"""


class Size(NamedTuple):
    """The slots on the board, the changes a second, and the seconds of frames."""

    slots: int = 5_000
    rate: int = 200
    seconds: int = 10


@contextmanager
def opened(port: int) -> Iterator[Page]:
    """Open the calendar's page in a browser on the second core, and wait for its connection."""
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cores()[1]})  # the browser's processes inherit it
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        os.sched_setaffinity(0, usable)
        page = browser.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        page.add_init_script(_FIRST_SLOTS)
        page.goto(f"http://127.0.0.1:{port}/c/{_CALENDAR}")
        page.wait_for_selector('html[data-connection="live"]')
        yield page
        browser.close()


def _frames(page: Page, seconds: int) -> Numbers:
    """Return the frames a second, the longest one, and the CPU time of the main thread in each second."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = _spent_ms(session)
    frames: Numbers = page.evaluate(_FRAMES, seconds)
    after = _spent_ms(session)
    return {**frames, **{name: (after[name] - before[name]) / seconds for name in _SPENT}}


def _spent_ms(session: CDPSession) -> dict[str, float]:
    read = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
    return {name: read[metric] * 1_000 for name, metric in _SPENT.items()}


def chromium() -> str:
    try:
        return find_chromium()
    except SystemExit as missing:
        raise Failed(str(missing)) from None


def fill(server: Running, token: str, count: int) -> list[str]:
    """Open so many slots over HTTP, eight at each half hour, and return their ids in a random order."""
    first = (int(time.time() * 1_000) // DAY + 1) * DAY
    starts = [first + place // 8 * HOUR // 2 for place in range(count)]
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    ids = []
    for begin in range(0, count, _AT_ONCE):
        slots = [
            {"start": write_time(at), "end": write_time(at + HOUR // 2)} for at in starts[begin : begin + _AT_ONCE]
        ]
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Idempotency-Key": secrets.token_hex(11),
        }
        connection.request("POST", f"/api/calendars/{_CALENDAR}/slots", json.dumps({"slots": slots}), headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        if response.status >= http.client.BAD_REQUEST:
            raise Failed(f"The slots were refused: {answer}")
        ids += [slot["id"] for slot in answer["slots"]]
    connection.close()
    random.Random(1).shuffle(ids)  # noqa: S311 - the same order each time
    return ids


def round_of(folder: Path, program: Path, size: Size) -> Numbers:
    """Measure once, on a server and a database of its own."""
    secret = secrets.token_urlsafe(32)
    sample, token = write_book(folder / "template.db", secret)
    make_calendar(folder / "template.db", secret)
    peer = slotcast(secret, token, sample)
    with (
        peer.running(folder) as server,
        opened(server.port) as page,
        Load(program, server.port) as load,
        ThreadPoolExecutor(1) as pool,
    ):
        file = folder / "page.txt"
        file.write_text("".join(f"{slot}\n" for slot in fill(server, token, size.slots)))
        load.slots(file)
        load.open("principal", peer.principal, 1)
        page.wait_for_function("(count) => document.querySelectorAll('button.slot').length === count", arg=size.slots)
        load.ask("principal", "closed", _CHANGE, 1)
        changes = pool.submit(load.ask, "principal", "paced", _CHANGE, size.rate * (size.seconds + 2), rate=size.rate)
        numbers = _frames(page, size.seconds)
        changes.result()
        page.reload()
        page.wait_for_function("() => window.firstSlots !== undefined")
        first: float = page.evaluate("() => window.firstSlots")
    return {**numbers, "first_slots_ms": first}


def make_calendar(path: Path, secret: str) -> None:
    service = SlotService(f"sqlite:///{path}", secret.encode(), synchronous="normal")
    service.open()
    service.run(
        CreateCalendar(
            principal=OPERATOR, calendar=_CALENDAR, name="Bench", zone="Europe/Vienna", policy={"overlap": "allow"}
        )
    )
    service.close()


def measure(program: Path, folder: Path, rounds: int, size: Size) -> list[Numbers]:
    """Return the frames a second, the longest frame and the time to the first slots of each round."""
    done: list[Numbers] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=folder) as name:
            done.append(round_of(Path(name), program, size))
    return done


def main(
    *,
    slots: Annotated[int, typer.Option(help="Slots on the board.", min=100)] = Size().slots,
    rate: Annotated[int, typer.Option(help="Changes a second.", min=1, max=500)] = Size().rate,
    seconds: Annotated[int, typer.Option(help="Seconds of frames.", min=1, max=15)] = Size().seconds,
    rounds: Annotated[int, typer.Option(help="Rounds.", min=1)] = 3,
) -> None:
    """Measure the frames of a booking page, and the time to its first slots."""
    console = Console()
    raise_open_files()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        done = measure(compile_load(folder), folder, rounds, Size(slots, rate, seconds))
    for row in done:
        console.print(", ".join(f"{name} {number:.1f}" for name, number in row.items()))
    names = ("frames", "main_thread_ms", "first_slots_ms")
    frames, spent, first = (statistics.median(row[name] for row in done) for name in names)
    console.print(
        f"{frames:.1f} frames a second, for {spent:.0f} ms of CPU of the main thread in each second; "
        f"the first slots after {first:.0f} ms; medians of {rounds} rounds"
    )


if __name__ == "__main__":
    typer.run(main)
