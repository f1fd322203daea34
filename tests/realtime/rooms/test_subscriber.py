"""The life of a subscriber: it joins once, leaves once, and is removed when it may no longer see the calendar."""

import pytest

from models.contract.commands.calendars import UpdateCalendar
from models.contract.errors import Unauthorized
from models.contract.principal import OPERATOR, Principal
from realtime.rooms.subscriber import Audience, State, Subscriber
from tests.realtime.room_stack import GUEST, RecordingConnection, RoomStack


async def test_a_connection_subscribes_once_and_leaves(stack: RoomStack) -> None:
    """One connection has one subscription, and the last one counts."""
    connection = RecordingConnection()
    first, joined = await stack.join(connection)
    second, _ = await stack.join(connection)
    joined.room.leave(first)
    seq = await stack.change()
    await stack.dispatcher.settled("room", seq)
    assert connection.seqs == [seq]
    joined.room.leave(second)
    await stack.dispatcher.settled("room", await stack.change())
    assert connection.seqs == [seq]
    gone = Subscriber("room", connection, Audience.PUBLIC, GUEST)
    gone.give_up()
    with pytest.raises(RuntimeError):
        joined.room.join(gone)
    assert joined.room.is_empty


async def test_a_removed_subscriber_does_not_get_the_change_that_removes_it(stack: RoomStack) -> None:
    """A calendar made private removes its guests first; only permitted subscribers get the change."""
    guest, subscriber = RecordingConnection(), RecordingConnection()
    await stack.join(guest)
    await stack.join(subscriber, principal=Principal(subject="ada", calendars=frozenset({"room"})))
    answer = await stack.service.run(
        UpdateCalendar(principal=OPERATOR, calendar="room", visibility="private", name="Vault")
    )
    await stack.dispatcher.settled("room", answer.seq)
    assert (guest.writes, guest.is_open) == ([], False)
    assert subscriber.changes[0]["info"]["name"] == "Vault"
    with pytest.raises(Unauthorized):
        await stack.join(RecordingConnection())


@pytest.mark.parametrize(
    ("before", "after"),
    [(State.SUBSCRIBED, State.JOINING), (State.GONE, State.JOINING), (State.GONE, State.SUBSCRIBED)],
)
def test_a_subscriber_never_moves_back(before: State, after: State) -> None:
    """A move against the order of a subscriber's life raises RuntimeError, and the state stays."""
    subscriber = Subscriber("room", RecordingConnection(), Audience.PUBLIC, GUEST)
    subscriber.move(before)
    with pytest.raises(RuntimeError):
        subscriber.move(after)
    assert subscriber.state is before
