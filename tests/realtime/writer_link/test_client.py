"""A worker's end of the link: its commands are answered in order, and once, through the death of the writer."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from models.contract.commands.background import CheckWriter
from models.contract.commands.bookings import BookSlot, Person
from models.contract.commands.calendars import CreateCalendar, UpdateCalendar
from models.contract.commands.command import Answer
from models.contract.commands.slots import NewSlot, OpenSlots
from models.contract.errors import BadRequest, NotFound, Overloaded
from models.contract.principal import OPERATOR
from models.contract.values.time import DAY, HOUR, system_clock
from models.service import SlotService
from realtime import async_service
from realtime.async_service import AsyncService
from realtime.writer_link import client
from realtime.writer_link.client import WriterLink
from realtime.writer_link.codec import FrameReader, Kind, decode_commands, encode_outcome, frames
from realtime.writer_link.server import WriterServer
from tests.support import eventually, new_key

SECRET = b"a secret of the tests, long enough for HS256"
ANSWER = Answer(calendar="room", seq=1, cursor="1.x", result=b"{}")


class Writer:
    """The writer on a thread, which can be cut off from its workers as by its death."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "writer.sock"
        self.url = f"sqlite:///{folder / 'slotcast.db'}"
        self._pipe: tuple[int, int] = (-1, -1)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._pipe = os.pipe()
        service = SlotService(self.url, SECRET, writers=0, synchronous="normal")
        service.open()
        server = WriterServer(self.path, self._pipe[0], service.foreign_commits(), lambda: service.writer_state)
        service.on_commit = server.send_rows

        def run() -> None:
            service.write_from(server, server.flush)
            server.close()
            service.close()

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def stop(self) -> None:
        """End once the workers have left."""
        if self._thread is not None:
            os.close(self._pipe[1])
            self._thread.join()
            os.close(self._pipe[0])
            self._thread = None


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(tmp_path)
    writer.start()
    yield writer
    writer.stop()


class Worker:
    """A service on the link, with all that has come by it."""

    def __init__(self, url: str, path: Path) -> None:
        self.link = WriterLink(path, 0, 2)
        sync = SlotService(url, SECRET, writers=0, synchronous="normal")
        sync.open()
        self.seqs: list[int] = []
        self.looks = 0
        self.service = AsyncService(sync, lambda rows: self.seqs.extend(row.seq for row in rows), self.link)
        self.service.start(self._look)

    def _look(self) -> None:
        self.looks += 1


@pytest.fixture
async def workers(writer: Writer) -> AsyncIterator[list[Worker]]:
    workers = [Worker(writer.url, writer.path) for _ in range(2)]
    await workers[0].service.run(CreateCalendar(principal=OPERATOR, calendar="room", name="Room", zone="UTC"))
    await eventually(lambda: all(worker.link.is_connected for worker in workers), 20.0, "the links")
    yield workers
    for worker in workers:
        await worker.service.close()


def rename(number: int) -> UpdateCalendar:
    return UpdateCalendar(principal=OPERATOR, calendar="room", name=f"Room {number}")


async def test_every_worker_gets_all_rows_and_its_own_answers(workers: list[Worker]) -> None:
    """The rows come before the answers of their commit, in order, and reach the workers that asked for nothing."""
    one, other = workers
    done: list[int] = []

    async def run(worker: Worker, number: int) -> None:
        answer = await worker.service.run(rename(number))
        assert answer.seq in worker.seqs
        done.append(answer.seq)

    await asyncio.gather(*(run(workers[number % 2], number) for number in range(1, 101)))
    assert sorted(done) == list(range(1, 101))
    await eventually(lambda: one.seqs == other.seqs == list(range(1, 101)), 20.0, "all rows")


async def test_a_refusal_reaches_its_caller(workers: list[Worker]) -> None:
    """Also that of a command that can't be sent, at once and alone."""
    service = workers[1].service
    with pytest.raises(NotFound) as refused:
        await service.run(UpdateCalendar(principal=OPERATOR, calendar="nowhere", name="N"))
    assert refused.value.details == {"what": "calendar"}
    with pytest.raises(BadRequest):
        await service.run(UpdateCalendar(principal=OPERATOR, calendar="room", name="\ud800"))
    assert (await service.run(rename(1))).seq == 1
    assert service.queued == 0


async def test_workers_hear_of_the_commits_of_other_programs(writer: Writer, workers: list[Worker]) -> None:
    """Those have no rows on the link, so every worker is told to look. The writer's own commits need no look."""
    await eventually(lambda: all(worker.looks == 1 for worker in workers), 20.0, "the looks at the start")
    for number in range(20):
        await workers[0].service.run(rename(number))
    assert [worker.looks for worker in workers] == [1, 1]
    other = SlotService(writer.url, SECRET, synchronous="normal")
    other.open()
    other.run(rename(0))
    await eventually(lambda: all(worker.looks > 1 for worker in workers), 20.0, "the looks")
    other.close()


async def test_workers_share_the_bound_of_the_queue(workers: list[Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    """A command beyond it is refused, and the others are done."""
    monkeypatch.setattr(async_service, "MOST_QUEUED", 20)
    service = workers[0].service
    asked = [asyncio.create_task(service.run(rename(number))) for number in range(30)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Answer] * 11 + [Overloaded] * 19


class Puppet:
    """A writer's end that does as the test says."""

    def __init__(self) -> None:
        self.commands: list[tuple[int, str]] = []
        self.connections = 0
        self._streams: asyncio.StreamWriter | None = None

    async def serve(self, path: Path) -> asyncio.Server:
        return await asyncio.start_unix_server(self._take, str(path))

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._streams, cut = writer, FrameReader()
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                for _, body in cut.read(data):
                    self.commands += [(number, getattr(one, "key", "")) for number, one in decode_commands(body)]
        writer.close()

    def answer(self, number: int) -> None:
        assert self._streams is not None
        self._streams.write(frames(Kind.ANSWERS, [encode_outcome(number, ANSWER)]))

    def write(self, data: bytes) -> None:
        assert self._streams is not None
        self._streams.write(data)

    def die(self) -> None:
        assert self._streams is not None
        self._streams.transport.abort()


@pytest.fixture
async def puppet(tmp_path: Path) -> AsyncIterator[Puppet]:
    puppet = Puppet()
    server = await puppet.serve(tmp_path / "puppet.sock")
    yield puppet
    server.close()
    await server.wait_closed()


@pytest.fixture
async def worker(tmp_path: Path, puppet: Puppet) -> AsyncIterator[Worker]:
    worker = Worker(f"sqlite:///{tmp_path / 'slotcast.db'}", tmp_path / "puppet.sock")
    await eventually(lambda: worker.looks == 1, 20.0, "the link")
    yield worker
    await worker.service.close()


def book(key: str) -> BookSlot:
    return BookSlot(key=key, slot="slot", customer=Person(name="Ada"))


async def test_a_lost_command_is_sent_again_with_its_key(worker: Worker, puppet: Puppet) -> None:
    """Its order is kept. One without a key is refused, since it may have been done. Then the log is looked at."""
    keyed = [asyncio.create_task(worker.service.run(book(key))) for key in ("one", "two", "three")]
    keyless = asyncio.create_task(worker.service.run(CheckWriter()))
    await eventually(lambda: len(puppet.commands) == 4, 20.0, "the commands")
    puppet.answer(0)
    assert (await keyed[0]).seq == 1
    puppet.die()
    with pytest.raises(Overloaded, match="may or may not"):
        await keyless
    await eventually(lambda: len(puppet.commands) == 6, 20.0, "the commands again")
    assert [key for _, key in puppet.commands[4:]] == ["two", "three"]
    for number, _ in puppet.commands[4:]:
        puppet.answer(number)
    assert [answer.seq for answer in await asyncio.gather(*keyed[1:])] == [1, 1]
    assert worker.looks == 2
    assert worker.service.queued == 0


async def test_a_command_does_not_end_writers_for_ever(worker: Worker, puppet: Puppet) -> None:
    """After a few deaths of the writer it is refused."""
    asked = asyncio.create_task(worker.service.run(book("poison")))
    for death in range(1, client.TRIES + 1):
        await eventually(lambda death=death: len(puppet.commands) == death, 20.0, "the command")  # type: ignore[misc]
        puppet.die()
    with pytest.raises(Overloaded, match="may or may not"):
        await asked
    assert len(puppet.commands) == client.TRIES


async def test_without_a_writer_no_caller_waits_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting commands are refused after a while, and later ones at once, until the writer is there."""
    monkeypatch.setattr(client, "PATIENCE_SECONDS", 0.2)
    worker = Worker(f"sqlite:///{tmp_path / 'slotcast.db'}", tmp_path / "puppet.sock")
    for _ in range(2):
        with pytest.raises(Overloaded, match="does not answer"):
            await worker.service.run(book("key"))
    puppet = Puppet()
    server = await puppet.serve(tmp_path / "puppet.sock")
    await eventually(lambda: worker.link.is_connected, 20.0, "the link")
    asked = asyncio.create_task(worker.service.run(book("key")))
    await eventually(lambda: bool(puppet.commands), 20.0, "the command")
    puppet.answer(puppet.commands[0][0])
    await asked
    await worker.service.close()
    server.close()
    await server.wait_closed()


async def test_a_writer_that_sends_nonsense_is_left(
    worker: Worker, puppet: Puppet, caplog: pytest.LogCaptureFixture
) -> None:
    """The worker connects anew."""
    puppet.write(b"\xff" * 100)
    await eventually(lambda: puppet.connections == 2 and worker.looks == 2, 20.0, "another link")
    assert "given up" in caplog.text


async def test_a_closing_worker_gets_the_answers_under_way(worker: Worker, puppet: Puppet) -> None:
    asked = asyncio.create_task(worker.service.run(book("last")))
    await eventually(lambda: bool(puppet.commands), 20.0, "the command")
    closing = asyncio.create_task(worker.link.close())
    await asyncio.sleep(0)
    puppet.answer(puppet.commands[0][0])
    assert (await asked).seq == 1
    await closing


async def test_a_booking_over_the_link(workers: list[Worker]) -> None:
    """One seat asked for at two workers is one's."""
    start = system_clock() + DAY
    opened = await workers[0].service.run(
        OpenSlots(principal=OPERATOR, key=new_key(), calendar="room", slots=(NewSlot(start=start, end=start + HOUR),))
    )
    (slot,) = (await workers[1].service.read(workers[1].service.sync.snapshot, "room", 0, 1 << 52)).slots
    assert slot.id.encode() in opened.result
    asked = (BookSlot(principal=OPERATOR, key=new_key(), slot=slot.id, customer=Person(name="Ada")) for _ in workers)
    answers = await asyncio.gather(
        *(worker.service.run(one) for worker, one in zip(workers, asked, strict=True)), return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Answer", "SlotUnavailable"]
