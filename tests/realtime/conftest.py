"""A book and its rooms for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.realtime.room_stack import RoomStack


@pytest.fixture
async def stack(database: str) -> AsyncIterator[RoomStack]:
    """Open a book with one calendar, one slot in it, and nobody in its room."""
    stack = RoomStack(database)
    await stack.open()
    yield stack
    await stack.close()
