"""A book and its rooms for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.realtime.stack import House


@pytest.fixture
async def house(database: str) -> AsyncIterator[House]:
    """Open a book with one calendar, one slot in it, and nobody in its room."""
    house = House(database)
    await house.open()
    yield house
    await house.close()
