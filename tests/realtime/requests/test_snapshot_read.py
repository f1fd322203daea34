"""Single reads of a calendar's slots: from the room, or from windows that are kept while they are right."""

from typing import Any

import msgspec
import pytest

from models.contract.commands.calendars import UpdateCalendar
from models.contract.errors import NotFound, Unauthorized
from models.contract.principal import OPERATOR
from models.contract.values.time import DAY, MINUTE, system_clock, write_time
from models.service import SlotService
from realtime.protocol import DEFAULT_WINDOW
from realtime.requests.snapshot_read import SnapshotReader
from realtime.rooms.replica.text import ReplicaText
from tests.realtime.room_stack import GUEST, RecordingConnection, RoomStack


async def test_a_calendar_with_a_room_is_read_from_it(stack: RoomStack) -> None:
    """The room and the database give the same content and ETag at one cursor, and an ETag saves the body."""
    asked = stack.snapshots.asked(write_time(system_clock()), None)
    stored = await stack.snapshots.read("room", GUEST, asked)
    await stack.join(RecordingConnection())
    assert (await stack.snapshots.read("room", GUEST, asked)).etag == stored.etag
    assert (await stack.snapshots.read("room", GUEST, asked, stored.etag)).body is None
    await stack.dispatcher.settled("room", await stack.change())
    assert (await stack.snapshots.read("room", GUEST, asked, stored.etag)).body is not None


async def test_a_calendar_that_does_not_exist_is_not_found(stack: RoomStack) -> None:
    """Staff of all calendars get NotFound."""
    with pytest.raises(NotFound):
        await stack.snapshots.read("none", OPERATOR, stack.snapshots.asked(None, None))


async def test_a_window_from_now_is_read_once_while_it_stands(
    stack: RoomStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without subscribers, the slots from now on are read once for each change, for any number of clients."""
    reads = 0
    read = SlotService.snapshot

    def counting(*arguments: Any, **more: Any) -> Any:
        nonlocal reads
        reads += 1
        return read(*arguments, **more)

    monkeypatch.setattr(SlotService, "snapshot", counting)
    for changes in range(1, 3):
        first = await stack.snapshots.read("room", GUEST, stack.snapshots.asked(None, None))
        assert first.body is not None
        for has in (first.etag, "", first.etag):
            again = await stack.snapshots.read("room", GUEST, stack.snapshots.asked(None, None), has)
            assert (again.etag, again.body is None) == (first.etag, bool(has))
        assert reads == changes
        await stack.change()
    private = UpdateCalendar(principal=OPERATOR, calendar="room", visibility="private")
    await stack.service.run(private)
    with pytest.raises(Unauthorized):
        await stack.snapshots.read("room", GUEST, stack.snapshots.asked(None, None), first.etag)


async def test_a_kept_window_from_now_equals_a_fresh_one(stack: RoomStack) -> None:
    """As the time goes on slots end and others come near: a kept window equals a fresh one.

    A slot that has begun since the read is not bookable.
    """
    await stack.open_slots([DEFAULT_WINDOW / DAY - 0.01 + place / 500 for place in range(40)])
    await stack.open_slots([place / 100 for place in range(100)])
    begin = now = system_clock()

    def clock() -> int:
        return now

    text = ReplicaText(clock)
    kept = SnapshotReader(stack.service, stack.dispatcher, text, clock)
    for minutes in (0, 1, 15, 30, 59, 61, 62, 125):
        now = begin + minutes * MINUTE
        fresh = SnapshotReader(stack.service, stack.dispatcher, text, clock)
        answers = [await reader.read("room", GUEST, reader.asked(None, None)) for reader in (kept, fresh)]
        assert answers[0] == answers[1], minutes
        slots = msgspec.json.decode(b"{" + (answers[0].body or b""))["slots"]
        assert {slot["id"] for slot in slots if not slot["bookable"]} == {
            slot["id"] for slot in slots if slot["start"] <= write_time(now)
        }
