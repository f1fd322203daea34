"""The frames between workers and the writer: every command, answer and row arrives as it was sent, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from models.contract.changes import Logged
from models.contract.commands.background import CheckWriter, SetBusy
from models.contract.commands.bookings import BookSlot, Person
from models.contract.commands.command import Answer, Command
from models.contract.errors import BadRequest, Refused, StaleExpansion, TooSoon
from models.contract.principal import OPERATOR
from models.service import Outcome, SlotService
from realtime.writer_link import codec
from realtime.writer_link.codec import BrokenLink, FrameReader, Kind, SentCommand
from tests.invariants.cases import access_cases, booking_cases, busy_cases, calendar_cases, schedule_cases
from tests.invariants.cases.case import CASES
from tests.models.driver import Driver, FakeClock
from tests.models.migrated import copy_migrated

# Each of these modules registers its cases.
CASE_MODULES = (access_cases, booking_cases, busy_cases, calendar_cases, schedule_cases)
ROW = Logged("room", 1 << 53, "nonce", "follows", "slot.booked", b'{"calendar":"room"}', ("one", "other"))
ANSWER = Answer(calendar="room", seq=7, cursor="7.nonce", result=b'{"slot":{}}')


def sent(*commands: Command) -> list[SentCommand]:
    """Return the commands after their way through frames."""
    messages = [codec.encode_command(number, command) for number, command in enumerate(commands)]
    found: list[SentCommand] = []
    for kind, body in FrameReader().read(codec.frames(Kind.COMMANDS, messages)):
        assert kind is Kind.COMMANDS
        found += codec.decode_commands(body)
    return found


def book(**fields: Any) -> BookSlot:
    return BookSlot(principal=OPERATOR, key="key", slot="slot", customer=Person(name="Ada"), **fields)


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    """Return a service with one calendar."""
    path, clock = tmp_path / "cases.db", FakeClock()
    copy_migrated(path)
    service = SlotService(
        f"sqlite:///{path}", b"a secret of the tests", clock=clock, synchronous="normal", sends_mail=True
    )
    service.open()
    driver = Driver(service, clock)
    driver.create()
    yield driver
    service.close()


@pytest.mark.parametrize("name", CASES)
def test_every_command_arrives_as_it_was_sent(driver: Driver, name: str) -> None:
    """The writer runs what the worker was asked for, whatever the fields hold."""
    driver.open(2)
    command = CASES[name][1](driver)
    ((number, arrived),) = sent(command)
    assert (number, arrived) == (0, command)
    assert repr(arrived) == repr(command)  # also the types of what is in it


def test_many_commands_are_in_one_frame_and_in_order() -> None:
    commands = [book(seats=seats) for seats in range(1, 300)]
    assert sent(*commands) == [SentCommand(number, command) for number, command in enumerate(commands)]
    messages = [codec.encode_command(0, command) for command in commands]
    assert len(list(FrameReader().read(codec.frames(Kind.COMMANDS, messages)))) == 1


def test_a_large_integer_arrives() -> None:
    """JSON has integers that msgpack lacks."""
    data = {"large": [1 << 64, {"small": -(1 << 70)}], "usual": 1 << 63}
    assert sent(book(data=data)) == [SentCommand(0, book(data=data))]


def test_a_command_that_can_not_be_written_down_is_refused() -> None:
    """It harms no other one."""
    with pytest.raises(BadRequest):
        codec.encode_command(0, book(data={"a": "\ud800"}))


def test_a_message_that_can_not_be_read_is_refused_alone() -> None:
    """The commands beside it arrive."""
    encode = msgspec.msgpack.encode
    messages = [
        encode((0, "NoCommand", {})),
        encode((1, "BookSlot", {"slot": 3})),
        encode((2, "SetBusy", {"calendar": "c", "source": "s", "etag": msgspec.msgpack.Ext(9, b"")})),
        codec.encode_command(3, CheckWriter()),
    ]
    ((_, body),) = FrameReader().read(codec.frames(Kind.COMMANDS, messages))
    outcomes = [command for _, command in codec.decode_commands(body)]
    assert [type(one) for one in outcomes] == [BadRequest, BadRequest, BadRequest, CheckWriter]


def test_outcomes_arrive_in_order() -> None:
    """A refusal keeps its class, its message and its details."""
    outcomes: list[Outcome] = [ANSWER, TooSoon("Too late.", rule="min_notice", seconds=3), StaleExpansion(), ANSWER]
    messages = [codec.encode_outcome(number, one) for number, one in enumerate(outcomes)]
    ((kind, body),) = FrameReader().read(codec.frames(Kind.ANSWERS, messages))
    assert kind is Kind.ANSWERS
    for number, (given, outcome) in enumerate(codec.decode_outcomes(body)):
        assert given == number
        expected = outcomes[number]
        if isinstance(expected, Refused):
            assert isinstance(outcome, Refused)
            assert (type(outcome), outcome.message, outcome.details) == (
                type(expected),
                expected.message,
                expected.details,
            )
        else:
            assert outcome == expected


def test_rows_arrive_as_they_were_sent() -> None:
    ((kind, body),) = FrameReader().read(codec.frames(Kind.ROWS, codec.encode_rows([ROW, ROW])))
    assert kind is Kind.ROWS
    assert codec.decode_rows(body) == [ROW, ROW]
    assert all(type(row) is Logged for row in codec.decode_rows(body))


@pytest.mark.parametrize("size", [1, 4, 5, 6, 7, 1_000])
def test_frames_may_arrive_in_pieces(size: int) -> None:
    """The reader yields each one once it is whole."""
    data = codec.frames(Kind.ROWS, codec.encode_rows([ROW])) + codec.LOOK + codec.frames(Kind.ANSWERS, [])
    reader, found = FrameReader(), []
    for place in range(0, len(data), size):
        found += [(kind, bytes(body)) for kind, body in reader.read(data[place : place + size])]
    assert [kind for kind, _ in found] == [Kind.ROWS, Kind.LOOK, Kind.ANSWERS]
    assert codec.decode_rows(memoryview(found[0][1])) == [ROW]


def test_long_messages_take_several_frames() -> None:
    """A frame has a bound, and a message above it has a frame of its own."""
    rows = [ROW._replace(body=b"x" * size) for size in (codec.FRAME_BYTES + 1, 200_000, 70_000, 1, 1)]
    found = list(FrameReader().read(codec.frames(Kind.ROWS, codec.encode_rows(rows))))
    assert [len(codec.decode_rows(body)) for _, body in found] == [1, 1, 3]
    assert [row for _, body in found for row in codec.decode_rows(body)] == rows


@pytest.mark.parametrize(
    "data",
    [
        (codec.MOST_FRAME_BYTES + 1).to_bytes(4, "big") + b"\x01",
        (0).to_bytes(4, "big") + b"\x09",
        (1).to_bytes(4, "big") + b"\x03\xc1",
    ],
    ids=["too long", "of no kind", "no msgpack"],
)
def test_what_is_no_frame_breaks_the_link(data: bytes) -> None:
    """It is bounded before anything is read or made of it."""
    with pytest.raises(BrokenLink):
        read_rows(data)


def read_rows(data: bytes) -> list[Logged]:
    return [row for _, body in FrameReader().read(data) for row in codec.decode_rows(body)]


def test_bytes_stay_bytes() -> None:
    command = SetBusy(calendar="c", source="s", times=((1, 2),), body=b"\x00\xff")
    assert sent(command) == [SentCommand(0, command)]
