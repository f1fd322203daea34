"""The commands and snippets of the docs work as described."""

import asyncio
import json
import shlex
import shutil
import urllib.request
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import ConsoleMessage, Page, Route

from tests.docs.runner import SNIPPETS, Running
from tests.support import ROOT, Server, eventually
from tests.support.databases.postgres import Postgres

_OPENING = ("2033-01-31T09:00:00Z", "2033-01-31T10:00:00Z")


def _snapshot(server: Server) -> dict[str, Any]:
    with urllib.request.urlopen(f"{server.url}/api/calendars/demo/slots", timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _standing(line: str) -> dict[str, Any]:
    read: Any = json.loads(line) if line.startswith("{") else {}
    return read if "seq" in read else {}


def _at(seq: int) -> Callable[[str], bool]:
    return lambda line: bool(_standing(line).get("seq", -1) >= seq)


@pytest.mark.parametrize("name", ["client.mjs", "client.py"])
def test_a_client_follows_across_a_kill(name: str, server: Server, tmp_path: Path) -> None:
    """A client of the docs equals a fresh snapshot, also after a kill of the server."""
    with Running(name, tmp_path, server.url, "demo") as client:
        first = _standing(client.until(_at(0)))
        slot = server.command("slot", "open", "demo", *_OPENING).strip()
        opened = _standing(client.until(_at(first["seq"] + 1)))
        assert opened["slots"] == first["slots"] + 1
        server.kill9()
        server.command("slot", "remove", slot)
        server.start()
        removed = _standing(client.until(_at(opened["seq"] + 1)))
    assert removed["seq"] == opened["seq"] + 1
    assert removed["slots"] == first["slots"] == len(_snapshot(server)["slots"])


@pytest.mark.parametrize("name", ["client.mjs", "client.py"])
def test_a_client_books(name: str, server: Server, tmp_path: Path) -> None:
    """A client of the docs holds the first free slot and books it, and sees both as changes."""
    before = _snapshot(server)
    with Running(name, tmp_path, server.url, "demo", "book") as client:
        booked = json.loads(client.until(lambda line: line.startswith('{"booked":')))
    assert any(map(_at(before["seq"] + 2), client.seen)), "an answer comes after the change that it tells of"
    assert booked["status"] == "confirmed"
    [slot] = [slot for slot in _snapshot(server)["slots"] if slot["id"] == booked["booked"]]
    assert slot["remaining"] == slot["capacity"] - 1


def test_the_short_client_follows_across_a_kill(server: Server, tmp_path: Path) -> None:
    """The client of the README applies each change once, also after the server was killed."""
    source = (SNIPPETS / "follow.mjs").read_text()
    assert len(source.splitlines()) <= 30
    source = source.replace("http://localhost:8080", server.url)
    seq = _snapshot(server)["seq"]
    with Running("follow.mjs", tmp_path, source=source + 'socket.on("connect", () => console.log("up"));') as client:
        client.until(lambda line: line == "up")
        # Its ack comes before the next change; it prints changes only.
        slot = server.command("slot", "open", "demo", *_OPENING).strip()
        client.until(lambda line: line.startswith(f"slot.opened {seq + 1} "))
        server.kill9()
        server.command("slot", "remove", slot)
        server.start()
        client.until(lambda line: line.startswith(f"slot.removed {seq + 2} "))
    assert sum(line.startswith("slot.") for line in client.seen) == 2


def _stream(name: str, url: str) -> str:
    """Return a function that runs a stream of the docs in a page and returns its state."""
    source = (SNIPPETS / "socket.js").read_text().replace("wss://slots.example.org", url.replace("http", "ws", 1))
    if name != "socket.js":
        source = source.removesuffix("open();\n") + (SNIPPETS / name).read_text()
    return f"() => {{ {source} window.look = () => ({{ have, slots: [...slots.keys()].sort() }}); }}"


@pytest.mark.parametrize("name", ["socket.js", "events.js"])
async def test_a_stream_follows_across_a_kill(name: str, server: Server, page: Page) -> None:
    """A stream of the docs equals a fresh snapshot, also after a kill and a proxy's 502."""

    async def stands() -> None:
        slots, seq = itemgetter("slots", "seq")(await asyncio.to_thread(_snapshot, server))
        where = {"have": seq, "slots": sorted(slot["id"] for slot in slots)}
        await page.wait_for_function("where => JSON.stringify(look()) === where", arg=_compact(where), timeout=60_000)

    await page.goto(f"{server.url}/")
    await page.evaluate(_stream(name, server.url))
    await stands()
    slot = (await asyncio.to_thread(server.command, "slot", "open", "demo", *_OPENING)).strip()
    await page.wait_for_function("slot => look().slots.includes(slot)", arg=slot)
    ills: list[str] = []

    async def fail(route: Route) -> None:
        ills.append(route.request.url)
        await route.fulfill(status=502, body="Bad Gateway")

    await page.route("**/events?*", fail, times=1)
    await asyncio.to_thread(server.kill9)
    await asyncio.to_thread(server.command, "slot", "remove", slot)
    await asyncio.to_thread(server.start)
    await page.wait_for_function("slot => !look().slots.includes(slot)", arg=slot, timeout=60_000)
    await stands()
    assert bool(ills) == (name == "events.js")


async def test_a_bare_socket_books(server: Server, page: Page) -> None:
    """With WebSocket alone a page gets the snapshot, the change of its booking, and its answer, in this order."""
    heard: list[dict[str, Any]] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "log":
            heard.append(json.loads(message.text))

    page.on("console", hear)
    await page.goto(f"{server.url}/healthz")
    source = (SNIPPETS / "bare.js").read_text().replace("ws://localhost:8080", server.url.replace("http", "ws", 1))
    await page.evaluate(f"() => {{ {source} }}")
    await eventually(lambda: len(heard) == 3, 20, "the answer")
    snapshot, change, answer = heard
    assert (snapshot["mode"], change["type"], answer["booking"]["status"]) == ("snapshot", "slot.booked", "confirmed")
    assert change["cursor"] == answer["cursor"]


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_curl_books_and_follows(server: Server, tmp_path: Path) -> None:
    """With curl alone a reader can book, and see the changes after a cursor by server-sent events."""
    seq = _snapshot(server)["seq"]
    with Running("client.sh", tmp_path, server.url, "demo") as client:
        client.until(lambda line: '"status":"confirmed"' in line)
        client.until(lambda line: line.startswith(f"id: {seq + 1}."))
        client.until(lambda line: line.startswith("data: ") and '"type":"slot.held"' in line)
        client.until(lambda line: line.startswith(f"id: {seq + 2}."))
        client.until(lambda line: line.startswith("data: ") and '"type":"slot.booked"' in line)


def test_the_commands_of_the_readme_work(server: Server) -> None:
    """Every command of the README has an effect, while the server runs."""
    python = ".venv/bin/python server.py "
    lines = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith(python)]
    assert lines
    for line in lines:
        assert server.command(*shlex.split(line.removeprefix(python), comments=True)).strip(), line
    window = "from=2033-01-01T00:00:00Z&to=2034-01-01T00:00:00Z"
    with urllib.request.urlopen(f"{server.url}/api/calendars/room-1/slots?{window}", timeout=10) as answer:
        assert [slot["start"] for slot in json.load(answer)["slots"]] == ["2033-01-31T09:00:00Z"]


def test_clients_may_be_on_any_of_several_servers(postgres: Postgres, tmp_path: Path) -> None:
    """Two servers on one PostgreSQL with one secret act as one: clients of each get the commits of the other."""
    settings = {"SLOTCAST_SECRET": "one secret for all of the servers"}
    database = postgres.new_url()
    with Server(tmp_path, database=database, settings=settings) as here:
        with (
            Server(tmp_path, database=database, settings=settings) as there,
            Running("client.mjs", tmp_path, there.url, "demo") as watcher,
        ):
            first = _standing(watcher.until(_at(0)))
            with Running("client.py", tmp_path, here.url, "demo", "book") as booker:
                booker.until(lambda line: line.startswith('{"booked":'))
            seen = _standing(watcher.until(_at(first["seq"] + 2)))
            assert seen["free"] == first["free"] - 1
        assert _snapshot(here)["seq"] == seen["seq"]
