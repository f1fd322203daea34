"""A client subscribes over a real service: its answer, and the subscribers that wait meanwhile."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from models.contract.commands.bookings import ListBookings
from models.contract.commands.calendars import UpdateCalendar
from models.contract.commands.slots import UpdateSlot
from models.contract.errors import Forbidden
from models.contract.principal import OPERATOR, Principal, Role
from models.contract.values.time import DAY, system_clock, write_time
from models.service import SlotService
from realtime.rooms.dispatcher import NewRows
from realtime.rooms.subscriber import Audience, Subscriber
from tests.realtime.room_stack import GUEST, RecordingConnection, RoomStack
from tests.support import eventually

LONG_AGO = write_time(system_clock() - 30 * DAY)


async def test_staff_get_every_booking(stack: RoomStack) -> None:
    """All bookings of a crowded slot are in the snapshot with the slot, and in a list's next page."""
    (crowded,) = await stack.open_slots([2], capacity=2_200)
    await asyncio.gather(*(stack.reserve(crowded) for _ in range(2_200)))
    await stack.reserve(stack.slot)
    _, joined = await stack.join(RecordingConnection(), principal=OPERATOR)
    told = msgspec.json.decode(b"{" + joined.body)
    assert (len(told["slots"]), len(told["bookings"])) == (2, 2_201)
    first = await stack.request_handler.read(ListBookings(calendar="room"), OPERATOR)
    rest = await stack.request_handler.read(ListBookings(calendar="room", from_=first["to"]), OPERATOR)
    assert (len(first["bookings"]), len(rest["bookings"])) == (1, 2_200)
    assert first["to"] == next(slot["start"] for slot in told["slots"] if slot["id"] == crowded)


async def test_a_read_of_the_past_delays_nobody(stack: RoomStack) -> None:
    """A change is sent while many read a window in the past; each of those misses nothing and gets nothing twice."""
    for _ in range(10):
        await stack.open_slots([-place / 100 for place in range(200, 400)])
    first = RecordingConnection()
    await stack.join(first)
    connections = [RecordingConnection() for _ in range(60)]
    joining = [asyncio.create_task(stack.join(connection, begin=LONG_AGO)) for connection in connections]
    clerks = [RecordingConnection() for _ in range(3)]
    joining += [asyncio.create_task(stack.join(clerk, principal=OPERATOR)) for clerk in clerks]
    await asyncio.sleep(0)
    for place in range(5):
        seq = await stack.change()
        await stack.reserve(stack.slot) if place == 2 else None
        await stack.dispatcher.settled("room", seq)
        assert first.seqs[-1] >= seq
    assert sum(not task.done() for task in joining) > 30
    joined = [joined for _, joined in await asyncio.gather(*joining)]
    last = await stack.change()
    await stack.dispatcher.settled("room", last)
    for connection, how in zip([*connections, *clerks], joined, strict=True):
        told = msgspec.json.decode(b"{" + how.body)
        assert how.cursor == told["cursor"]
        assert connection.seqs == list(range(told["seq"] + 1, last + 1))
    assert len({how.cursor for how in joined}) > 1
    for clerk, how in zip(clerks, joined[-3:], strict=True):
        told = msgspec.json.decode(b"{" + how.body)
        assert len({booking["id"] for one in (told, *clerk.changes) for booking in one["bookings"]}) == 1


async def test_a_window_in_the_past_is_of_one_seq(stack: RoomStack) -> None:
    """The info and the slots of a snapshot belong to its seq, whatever changes during the read."""
    names: dict[int, str] = {}
    is_over = False
    (old,) = await stack.open_slots([-20])

    async def rename() -> None:
        while not is_over:
            name = f"name {len(names)}"
            for command in (
                UpdateCalendar(principal=OPERATOR, calendar="room", name=name),
                UpdateSlot(principal=OPERATOR, slot=old, data=b"%d" % len(names)),
            ):
                names[(await stack.service.run(command)).seq] = name

    renaming = asyncio.create_task(rename())
    await eventually(lambda: names)
    seen = []
    for place in range(60):
        _, joined = await stack.join(RecordingConnection(), principal=OPERATOR if place % 2 else GUEST, begin=LONG_AGO)
        seen.append(msgspec.json.decode(b"{" + joined.body))
    is_over = True
    await renaming
    for told in seen:
        assert told["info"]["name"] == names[told["seq"]]
        (version,) = (slot["version"] for slot in told["slots"] if slot["id"] == old)
        assert told["seq"] - version == (1 if told["info"]["name"] != names.get(told["seq"] - 1) else 0)


async def test_a_client_subscribes_to_the_room_that_is_open(stack: RoomStack) -> None:
    """A client that waits while its room is closed is subscribed to the next room, and misses nothing."""
    await stack.reserve(stack.slot)
    _, joined = await stack.join(RecordingConnection(), principal=OPERATOR)
    await stack.dispatcher.settled("room", (await stack.reserve((await stack.open_slots([3]))[0])).seq)
    clerk, room = RecordingConnection(), joined.room
    joining = asyncio.create_task(stack.join(clerk, after=joined.cursor, principal=OPERATOR))
    while not room.lock.locked():  # noqa: ASYNC110 - at every step of the loop
        await asyncio.sleep(0)
    stack.dispatcher.take_new_rows(NewRows({"room": room.fetched}, {"room": []}))
    _, again = await joining
    assert (again.mode, again.room) == ("resumed", stack.dispatcher.rooms["room"])
    seq = await stack.change()
    await stack.dispatcher.settled("room", seq)
    assert clerk.seqs == [seq]


@pytest.mark.parametrize("principal", [OPERATOR, Principal(subject="ada", calendars=frozenset({"room"}))])
async def test_a_subscription_needs_the_rights_of_the_newest_token(principal: Principal, stack: RoomStack) -> None:
    """A client with a new token during its wait is subscribed by the new token, or refused."""
    if not (principal.role >= Role.STAFF):  # the staff's subscription needs a staff token, also in a public calendar
        await stack.service.run(UpdateCalendar(principal=OPERATOR, calendar="room", visibility="private"))
    room = await stack.dispatcher.room("room")
    audience = Audience.STAFF if (principal.role >= Role.STAFF) else Audience.PUBLIC
    subscriber = Subscriber("room", RecordingConnection(), audience, principal)
    async with room.lock:
        joining = asyncio.create_task(stack.recovery.join(subscriber, stack.recovery.wanted(None, None, None)))
        await eventually(lambda: "waiters:1" in repr(room.lock))
        subscriber.principal = Principal(subject="ada", role=principal.role, calendars=frozenset({"elsewhere"}))
    with pytest.raises(Forbidden):
        await joining
    assert room.is_empty


async def test_a_snapshot_has_two_thousand_slots(stack: RoomStack) -> None:
    """A snapshot is bounded, from the room as from the database; the next page begins at its end."""
    for place in range(0, 2_100, 150):
        await stack.open_slots([2 + number / 100 for number in range(place, place + 150)])
    _, joined = await stack.join(RecordingConnection())
    _, clerks = await stack.join(RecordingConnection(), principal=OPERATOR)
    read = await stack.snapshots.read("room", GUEST, stack.snapshots.asked(LONG_AGO, None))
    for body in (joined.body, clerks.body, read.body or b""):
        told = msgspec.json.decode(b"{" + body)
        assert len(told["slots"]) == 2_000
        assert all(slot["start"] < told["to"] for slot in told["slots"])
        _, rest = await stack.join(RecordingConnection(), begin=told["to"])
        left = {slot["id"] for slot in msgspec.json.decode(b"{" + rest.body)["slots"]}
        assert len(left | {slot["id"] for slot in told["slots"]}) == 2_101


async def test_a_crowd_that_comes_back_reads_next_to_nothing(stack: RoomStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of clients at once, with or without cursors, cost the reads that open the room, and no more."""
    _, joined = await stack.join(RecordingConnection())
    cursors = [joined.cursor, None, "1.gone"]
    for _ in range(20):
        await stack.change()
    await stack.dispatcher.settled("room", (await stack.reserve(stack.slot)).seq)
    stack.dispatcher.rooms.clear()  # as after a restart
    reads = 0

    def counted(read: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*arguments: Any, **more: Any) -> Any:
            nonlocal reads
            reads += 1
            return read(*arguments, **more)

        return counting

    for name in ("snapshot", "new_rows"):
        monkeypatch.setattr(SlotService, name, counted(getattr(SlotService, name)))
    today = write_time(system_clock() // DAY * DAY)
    asked = [(cursors[number % 3], today if number % 2 else None) for number in range(600)]
    answers = await asyncio.gather(
        *(stack.join(RecordingConnection(), after=after, begin=begin) for after, begin in asked)
    )
    assert [joined.mode for _, joined in answers] == ["resumed", "snapshot", "snapshot"] * 200
    assert 1 <= reads <= 3
