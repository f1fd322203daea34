"""A Socket.IO client's session: its joins under way, and the timer of its token."""

import asyncio
from typing import Any

from models.contract.principal import Principal
from realtime.access.auth import Identity
from realtime.rooms.subscriber import Audience, State, Subscriber
from realtime.transports.session import Session
from tests.realtime.room_stack import GUEST, RecordingConnection

ADA = Principal(subject="ada")


def _session() -> Session[Any]:
    connection: Any = RecordingConnection()
    return Session(connection, GUEST)


def _subscriber(calendar: str) -> Subscriber:
    return Subscriber(calendar, RecordingConnection(), Audience.PUBLIC, GUEST)


def test_a_join_is_known_while_it_runs() -> None:
    """It is given up by its calendar, and other joins go on."""
    session, yoga, chess = _session(), _subscriber("yoga"), _subscriber("chess")
    with session.join(yoga), session.join(chess):
        assert session.joining == {"yoga", "chess"}
        session.give_up("yoga")
        assert session.joining == {"chess"}
    assert session.joining == set()
    assert (yoga.state, chess.state) == (State.GONE, State.JOINING)


def test_a_new_token_counts_for_the_joins_under_way() -> None:
    """The principal of the session and of its joins is the new one."""
    session, subscriber = _session(), _subscriber("yoga")
    with session.join(subscriber):
        session.become(ADA)
        assert session.principal == subscriber.principal == ADA


async def test_a_token_ends_its_session_once() -> None:
    """The end comes at once for a time in the past, and never after the session is closed."""
    ends: list[str] = []
    session, closed = _session(), _session()
    session.expire_with(Identity(ADA, 0), lambda: ends.append("expired"))
    closed.expire_with(Identity(ADA, 0), lambda: ends.append("closed"))
    closed.close()
    for _ in range(3):
        await asyncio.sleep(0)
    assert ends == ["expired"]
