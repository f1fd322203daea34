"""A service and its rooms for each test. The loop of the code under test is in asyncio's debug mode."""

from asyncio import BaseEventLoop, Runner
from collections.abc import AsyncIterator

import pytest

from tests.realtime.room_stack import RoomStack


@pytest.fixture
def _function_scoped_runner(_function_scoped_runner: Runner) -> Runner:
    """Find calls from another thread, which debug mode refuses, on asyncio's loop; uvloop is as in use.

    In debug mode a packet costs several times as much. So only these tests have it.
    """
    loop = _function_scoped_runner.get_loop()
    loop.set_debug(isinstance(loop, BaseEventLoop))
    return _function_scoped_runner


@pytest.fixture
async def stack(database: str) -> AsyncIterator[RoomStack]:
    """Open a service with one calendar and one slot, without subscribers."""
    stack = RoomStack(database)
    await stack.open()
    yield stack
    await stack.close()
