"""Measures the staff's week grid in a real Chromium: 5,000 slots of one week, and 300 bookings.

Run it with `python -m bench.runs.console`. The server is on the first core; the browser and the load are on the second.
The page is open before the slots, as a snapshot has at most 2,000. A day has eight slots at each quarter of an hour.
The first paint is that of a reload: the time from the start of the navigation to the first slot in the document. The
scroll goes through the whole day and back by the mouse wheel, at 1,500 pixels a second. Its frames are the calls of
`requestAnimationFrame`, and its script, style, layout and tasks are the CPU time of the page's main thread. An hour of
changes is 3,600 changes, one for each second of it, sent faster. The memory is that of the heap after a collection, and
`load` is the load average of the machine.
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
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from playwright.sync_api import CDPSession, Page, sync_playwright
from rich.console import Console

from bench.book import write_book
from bench.figure import Numbers
from bench.load import Ask, Load, compile_load
from bench.machine import Failed, cores, raise_open_files
from bench.peer import Running, slotcast
from bench.runs.page import chromium, make_calendar
from models.contract.values.time import DAY, HOUR, write_time
from tests.support.browser import CHROMIUM_FLAGS

_CALENDAR = "page"
_AT_ONCE = 200  # slots of one change
_LANES = 8  # slots at each quarter of an hour
_QUARTER = HOUR // 4
_PATIENCE_MS = 60_000
_SPEED_PX = 1_500  # a second: a quick wheel, of twelve notches a second
_SCROLLED_PX = 2_500
_CHANGE = Ask('42/staff,$n["slot.update",{"slot":"$s","capacity":$n}]', each=0)
_SCREEN: Any = {"width": 1280, "height": 900}
_FIRST_SLOTS = """new MutationObserver((_, observer) => {
    if (document.querySelector(".block") === null) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.firstSlots = performance.now(); }));
}).observe(document, { childList: true, subtree: true });"""
_FRAMES = """() => {
    window.frames_ms = [];
    let last = performance.now();
    const count = (now) => {
        window.frames_ms.push(now - last);
        last = now;
        window.counting = requestAnimationFrame(count);
    };
    window.counting = requestAnimationFrame(count);
}"""
_STOP = "() => { cancelAnimationFrame(window.counting); return window.frames_ms; }"


class Size(NamedTuple):
    """The slots of the week, its bookings, and the changes of the simulated hour."""

    slots: int = 5_000
    bookings: int = 300
    changes: int = 3_600


def call(server: Running, token: str, path: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Send one command over HTTP, and return its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Idempotency-Key": secrets.token_hex(11),
    }
    connection.request("POST", path, json.dumps(fields), headers)
    response = connection.getresponse()
    answer: dict[str, Any] = json.loads(response.read())
    connection.close()
    if response.status >= http.client.BAD_REQUEST:
        raise Failed(f"{path} was refused: {answer}")
    return answer


def fill(server: Running, token: str, size: Size) -> list[str]:
    """Open the slots and book some of them; return the ids of the others in a random order."""
    monday = next_monday()
    places = [(place // _LANES, place % 7) for place in range(size.slots)]
    starts = sorted(monday + day * DAY + step // 7 * _QUARTER for step, day in places)
    ids: list[str] = []
    for begin in range(0, size.slots, _AT_ONCE):
        slots = [{"start": write_time(at), "end": write_time(at + _QUARTER)} for at in starts[begin : begin + _AT_ONCE]]
        answer = call(server, token, f"/api/calendars/{_CALENDAR}/slots", {"slots": slots})
        ids += [slot["id"] for slot in answer["slots"]]
    random.Random(1).shuffle(ids)  # noqa: S311 - the same order each time
    for number, slot in enumerate(ids[: size.bookings]):
        call(server, token, f"/api/slots/{slot}/bookings", {"customer": {"name": f"Customer {number}"}})
    return ids[size.bookings :]


def next_monday() -> int:
    today = int(time.time() * 1_000) // DAY
    return (today + 7 - (today + 3) % 7) * DAY


@contextmanager
def opened(port: int, token: str) -> Iterator[Page]:
    """Open the week in a browser on the second core, and wait for its calendar."""
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cores()[1]})  # the browser's processes inherit it
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        os.sched_setaffinity(0, usable)
        page = browser.new_page(viewport=_SCREEN)
        page.set_default_timeout(_PATIENCE_MS)
        page.add_init_script(_FIRST_SLOTS)
        day = write_time(next_monday())[:10]
        page.goto(f"http://127.0.0.1:{port}/staff?calendar={_CALENDAR}&view=week&day={day}#token={token}")
        page.wait_for_selector("main[data-seq]")
        yield page
        browser.close()


class Meter:
    """The browser's own figures of the page: seconds of CPU, counts, and bytes."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def read(self) -> dict[str, float]:
        answer = self._session.send("Performance.getMetrics")
        return {one["name"]: one["value"] for one in answer["metrics"]}

    def scroll(self, x: float, y: float, distance: int) -> None:
        gesture = {"x": x, "y": y, "yDistance": distance, "speed": _SPEED_PX, "gestureSourceType": "mouse"}
        self._session.send("Input.synthesizeScrollGesture", gesture)

    def heap_mb(self) -> float:
        self._session.send("HeapProfiler.collectGarbage")
        return self.read()["JSHeapUsedSize"] / 1e6

    def task_ms(self, before: dict[str, float]) -> Numbers:
        """Return the milliseconds of script, style, layout and all tasks since `before`."""
        after = self.read()
        names = {"script": "ScriptDuration", "style": "RecalcStyleDuration", "layout": "LayoutDuration"}
        names["tasks"] = "TaskDuration"
        return {f"{name}_ms": (after[key] - before[key]) * 1_000 for name, key in names.items()}


def scroll(page: Page, meter: Meter) -> Numbers:
    """Scroll through the day and back by the wheel; return the frames a second, and the main thread's CPU."""
    box = page.locator(".week-scroll").bounding_box()
    assert box is not None
    before = meter.read()
    page.evaluate(_FRAMES)
    for distance in (-_SCROLLED_PX, _SCROLLED_PX):
        meter.scroll(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, distance)
    frames: list[float] = page.evaluate(_STOP)
    used = meter.task_ms(before)
    return {
        "frames": len(frames) * 1_000 / sum(frames),
        "longest_frame_ms": max(frames),
        **used,
        "frame_ms": used["tasks_ms"] / len(frames),
    }


def round_of(folder: Path, program: Path, size: Size) -> Numbers:
    """Measure once, on a server and a database of its own."""
    secret = secrets.token_urlsafe(32)
    sample, token = write_book(folder / "template.db", secret)
    make_calendar(folder / "template.db", secret)
    peer = slotcast(secret, token, sample)
    with peer.running(folder) as server, opened(server.port, token) as page, Load(program, server.port) as load:
        free = fill(server, token, size)
        file = folder / "console.txt"
        file.write_text("".join(f"{slot}\n" for slot in free))
        page.wait_for_function("(count) => document.body.textContent.includes(`of ${count} times`)", arg=size.slots)
        meter = Meter(page)
        nodes = page.evaluate("() => document.querySelectorAll('.week *').length")
        moved = scroll(page, meter)
        load.slots(file)
        load.open("principal", peer.principal, 1)
        load.ask("principal", "closed", _CHANGE, 200)
        before = meter.heap_mb()
        load.ask("principal", "paced", _CHANGE, size.changes, rate=200)
        after = meter.heap_mb()
        page.reload()
        page.wait_for_function("() => window.firstSlots !== undefined")
        first: float = page.evaluate("() => window.firstSlots")
    return {**moved, "elements": nodes, "first_slots_ms": first, "heap_mb": before, "heap_after_mb": after}


def measure(program: Path, folder: Path, rounds: int, size: Size) -> list[Numbers]:
    """Return the frames of a scroll, their CPU, the time to the first slots and the memory of each round."""
    done: list[Numbers] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=folder) as name:
            done.append({**round_of(Path(name), program, size), "load": os.getloadavg()[0]})
    return done


def main(
    *,
    slots: Annotated[int, typer.Option(help="Slots of the week.", min=100)] = Size().slots,
    bookings: Annotated[int, typer.Option(help="Bookings.", min=1)] = Size().bookings,
    changes: Annotated[int, typer.Option(help="Changes of the simulated hour.", min=1)] = Size().changes,
    rounds: Annotated[int, typer.Option(help="Rounds.", min=1)] = 3,
) -> None:
    """Measure the first paint, the scroll and the memory of the staff's week grid."""
    console = Console()
    raise_open_files()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        done = measure(compile_load(folder), folder, rounds, Size(slots, bookings, changes))
    for row in done:
        console.print(", ".join(f"{name} {number:.1f}" for name, number in row.items()))
    names = ("frames", "frame_ms", "first_slots_ms", "heap_after_mb")
    frames, each, first, grown = (statistics.median(row[name] for row in done) for name in names)
    console.print(
        f"{frames:.1f} frames a second in a scroll, {each:.1f} ms of CPU each; the first slots after {first:.0f} ms; "
        f"{grown:.1f} MB after {changes} changes; medians of {rounds} rounds"
    )


if __name__ == "__main__":
    typer.run(main)
