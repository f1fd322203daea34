"""Several workers on one address act as one server."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cli.workers import TOGETHER_SECONDS, VARIABLE, locked, remove_left, reserved
from tests.support import ROOT, Api, Client, Server, eventually, wait_until
from tests.support.clients.following import all_have, following, open_slot
from tests.support.example import in_days
from tests.support.port import is_listening

WORKERS = 3


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with workers. They start as a user's do, from the command line of the first process."""
    database = request.getfixturevalue("postgres").new_url() if request.param == "postgres" else None
    flags = ("--no-demo", "--rate", "0", "--workers", str(WORKERS))
    server = Server(tmp_path_factory.mktemp("workers"), *flags, database=database)
    server.is_fresh = True
    with server:
        wait_until(lambda: len(workers_of(server)) == WORKERS, 20.0, "the workers")
        yield server


@pytest.fixture
def staff(server: Server, tmp_path: Path) -> str:
    """Return a token of staff, printed by a fork."""
    return Server(tmp_path, database=server.database).command("token", "--scope", "staff").strip()


def processes_of(server: Server) -> dict[int, int]:
    """Return the processes that the server has started: their numbers by their ids."""
    found = {}
    for pid in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split():
        with suppress(OSError, StopIteration):
            variables = Path(f"/proc/{pid}/environ").read_text().split("\0")
            place = next(one for one in variables if one.startswith(VARIABLE)).removeprefix(f"{VARIABLE}=")
            found[int(pid)] = int(place.split(":")[0])
    return found


def workers_of(server: Server) -> list[int]:
    """Return the processes of the workers."""
    return [pid for pid, number in processes_of(server).items() if number >= 0]


def writers_of(server: Server) -> list[int]:
    """Return the process that writes for the workers, if there is one."""
    return [pid for pid, number in processes_of(server).items() if number < 0]


def is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


async def test_the_page_of_the_server_has_all_workers(server: Server) -> None:
    """`server.read` has the figures of each process, and they add up to those of the machine."""
    owner = server.command("token", "--scope", "owner").strip()
    async with Api(server.url, owner) as api:
        await api.post("/api/calendars", id="seen", name="Seen", zone="Etc/UTC")
        async with following(server.url, calendar="seen") as subscribers:
            answer = await api.get("/api/server")
            watchers = [one for one in answer["figures"] if one["name"] == "slotcast_watchers"]
    assert answer["workers"] == WORKERS
    assert {one["labels"]["worker"] for one in watchers} == {str(number) for number in range(WORKERS)}
    assert sum(one["value"] for one in watchers) >= len(subscribers) - 1  # a long poll is none between two of its polls


async def test_any_worker_may_die(server: Server, staff: str) -> None:
    """Clients of all transports follow through the death of each worker, with every change once and in order."""
    async with Api(server.url, staff) as api:
        await api.post("/api/calendars", id="mortal", name="Shared", zone="Etc/UTC")
        async with following(server.url, calendar="mortal") as subscribers:
            for day, pid in enumerate(workers_of(server), start=1):
                await open_slot(api, "mortal", day)
                await all_have(subscribers, day)
                os.kill(pid, signal.SIGKILL)
            await open_slot(api, "mortal", WORKERS + 1)
            await all_have(subscribers, WORKERS + 1)
    assert all(one.applied == list(range(1, WORKERS + 2)) for one in subscribers.values())
    wait_until(lambda: len(workers_of(server)) == WORKERS, 20.0, "the workers to start again")


@pytest.mark.parametrize("transports", [("polling",), ("polling", "websocket")], ids=" then ".join)
async def test_a_session_is_found_from_any_worker(server: Server, staff: str, transports: tuple[str, ...]) -> None:
    """Each request of a polling client may come to another worker, also the upgrade; it is handed over."""
    calendar = "-".join(transports)
    async with Api(server.url, staff) as api:
        await api.post("/api/calendars", id=calendar, name="Shared", zone="Etc/UTC")
        clients = [Client(server.url, transports=transports) for _ in range(12)]
        async with asyncio.timeout(60):
            for client in clients:
                await client.__aenter__()
                viewer = await client.watch(calendar)
                assert viewer.is_at(0)
            await api.post(f"/api/calendars/{calendar}/slots", slots=[{"start": in_days(1), "end": in_days(1.1)}])
            await eventually(lambda: all(len(client.changes) == 1 for client in clients), 20.0, "the change")
            for client in clients:
                assert client.disconnects == 0
                await client.__aexit__(None, None, None)


async def test_one_answer_has_the_metrics_of_all_workers(server: Server) -> None:
    """Each sample has its worker's number, and each family one description."""
    async with Api(server.url) as api:

        async def read_all() -> str:
            text = (await api.ask("GET", "/metrics")).raw.decode()
            return text if text.count("slotcast_rooms{") == WORKERS else ""

        text = await eventually(read_all, 20.0, "all workers")
    for number in range(WORKERS):
        assert f'slotcast_rooms{{worker="{number}"}} ' in text
        assert f'slotcast_connections{{worker="{number}",transport="polling"}} ' in text
    assert text.count("# TYPE slotcast_rooms gauge") == 1


def folder_of(pid: int) -> Path:
    """Return the folder of the workers, from the environment of one of them."""
    variables = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return Path(next(one for one in variables if one.startswith(f"{VARIABLE}=")).split(":", 2)[2])


def test_no_worker_listens_before_the_others_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that wait for the server would all stay with the first worker."""
    monkeypatch.setattr(Server, "_wait_until_ready", lambda _: None)
    server = Server(tmp_path, "--no-demo", "--workers", str(WORKERS))
    server.is_fresh = True
    began = time.monotonic()
    with server:
        wait_until(lambda: len(workers_of(server)) == WORKERS, 20.0, "the workers")
        slow, *others = workers_of(server)
        os.kill(slow, signal.SIGSTOP)  # the import of its modules takes longer than this test's look
        folder = folder_of(slow)
        wait_until(lambda: len(list(folder.glob("worker-*.sock"))) == len(others), 20.0, "the other workers")
        listens = is_listening(server.port)
        if time.monotonic() - began < TOGETHER_SECONDS:  # else the others wait no longer
            assert not listens
        os.kill(slow, signal.SIGCONT)
        wait_until(lambda: is_listening(server.port), 20.0, "the server")


def watch(server: Server) -> socket.socket:
    """Return a connection with an event stream, which keeps a drain going."""
    stream = socket.create_connection(("127.0.0.1", server.port))
    stream.settimeout(20.0)
    stream.sendall(b"GET /api/calendars/demo/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert stream.recv(100).startswith(b"HTTP/1.1 200")
    return stream


def test_workers_take_the_signal_of_a_service_and_that_of_their_supervisor(tmp_path: Path) -> None:
    """A service's stop reaches all processes. The drain goes on, until another signal to the supervisor ends all."""
    server = Server(tmp_path, "--workers", "2", settings={"SLOTCAST_DRAIN_SECONDS": "60"})
    server.is_fresh = True
    with server:
        wait_until(lambda: len(workers_of(server)) == 2, 20.0, "the workers")
        streams = [watch(server) for _ in range(8)]
        processes = list(processes_of(server))
        for pid in workers_of(server):
            os.kill(pid, signal.SIGTERM)

        def is_stopping() -> bool:
            with suppress(urllib.error.HTTPError):
                urllib.request.urlopen(f"{server.url}/readyz", timeout=5).close()
                return False
            return True

        wait_until(is_stopping, 10.0, "the drain")
        os.kill(server.pid, signal.SIGTERM)
        wait_until(lambda: "Stopping" in server.log, 10.0, "the stop")
        time.sleep(0.5)  # a worker that ends by the second signal has ended by then
        assert all(map(is_alive, processes))
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 10.0
        assert not any(map(is_alive, processes))
        for stream in streams:
            stream.close()


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_no_worker_outlives_the_server(server: Server) -> None:
    """No worker or writer is left after a stop in good order, or after a kill of the process that started them."""
    processes = list(processes_of(server))
    assert server.stop() == 0
    assert not any(map(is_alive, processes))
    server.start()
    wait_until(lambda: len(workers_of(server)) == WORKERS, 20.0, "the workers")
    processes = list(processes_of(server))
    assert len(processes) == WORKERS + 1
    folder = folder_of(workers_of(server)[0])
    server.kill9()
    wait_until(lambda: not any(map(is_alive, processes)), 20.0, "the workers' end")
    assert folder.exists()
    server.start()
    assert not folder.exists(), "the next start removes it"


def test_only_the_folders_of_killed_supervisors_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process id says nothing: it may be of another container. Nor does the name: the folder may be anyone's."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    used, left, foreign, made_by_hand = (
        tmp_path / f"slotcast-workers-{name}" for name in ("used", "left", "999999999-a", "link")
    )
    for folder in (used, left, foreign):
        folder.mkdir()
        (folder / "beats").touch()
    lock, killed = (locked(folder / "lock", os.O_CREAT) for folder in (used, left))
    os.close(killed)
    made_by_hand.symlink_to(left)
    remove_left()
    assert not left.exists()
    assert (used / "beats").exists()
    assert (foreign / "beats").exists()
    assert made_by_hand.is_symlink()
    os.close(lock)


_SIGNALLED = """
import faulthandler, os, signal, sys
from pathlib import Path
from cli import workers

faulthandler.dump_traceback_later(30, exit=True)
workers._LOOK_SECONDS = 0

def supervise(line):
    supervisor, lines = workers._Supervisor(Path(sys.argv[1]), 0, 1.0, 0, has_writer=False), 0

    def trace(frame, event, _):
        nonlocal lines
        if event == "line" and signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            lines += 1
            if lines == line:
                signal.raise_signal(signal.SIGTERM)
        return trace

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.settrace(trace)
    supervisor.run()
    sys.settrace(None)

for line in range(1, 101):
    supervise(line)
"""


def test_a_signal_at_any_line_ends_the_supervisor(tmp_path: Path) -> None:
    """Its handler waits for no lock that the interrupted thread holds."""
    command = [sys.executable, "-c", _SIGNALLED, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Stopping") == 100


def test_the_closed_connections_of_a_server_without_workers_are_in_nobodys_way() -> None:
    """They keep the address for a minute after its end, and had no SO_REUSEPORT."""
    with socket.create_server(("127.0.0.1", 0)) as listener:  # with SO_REUSEADDR
        port: int = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = listener.accept()
            accepted.close()  # the server closes first, so its side stays in TIME_WAIT
            assert client.recv(1) == b""
    held = reserved("127.0.0.1", port)
    held.close()


def test_the_address_of_a_running_server_is_not_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(OSError, match="in use"):
        reserved("127.0.0.1", listener.getsockname()[1])


def test_the_address_of_a_server_whose_workers_start_is_not_taken() -> None:
    """Nobody listens there yet, and the second supervisor has the same options."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    with reserved("127.0.0.1", port), pytest.raises(OSError, match="in use"):
        reserved("127.0.0.1", port)
