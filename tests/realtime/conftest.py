"""A service and its rooms for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.realtime.room_stack import RoomStack


@pytest.fixture
async def stack(database: str) -> AsyncIterator[RoomStack]:
    """Open a service with one calendar and one slot, without subscribers."""
    stack = RoomStack(database)
    await stack.open()
    yield stack
    await stack.close()
