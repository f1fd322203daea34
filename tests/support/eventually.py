"""Waiting for a thing to become true, never for a time to pass."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, TypeVar, overload

_Seen = TypeVar("_Seen")
_POLL_SECONDS = 0.01
PATIENCE_SECONDS = 20.0  # bound only for a failure: a machine may be several times slower, or busy


@overload
async def eventually(
    look: Callable[[], Awaitable[_Seen]], timeout: float = PATIENCE_SECONDS, what: str = ""
) -> _Seen: ...
@overload
async def eventually(look: Callable[[], _Seen], timeout: float = PATIENCE_SECONDS, what: str = "") -> _Seen: ...
async def eventually(look: Callable[[], Any], timeout: float = PATIENCE_SECONDS, what: str = "") -> Any:
    """Call `look` again and again until its result is true, and return the result.

    Args:
        look: a function, or a coroutine function.
        timeout: seconds until the test fails, with the last result.
        what: the awaited thing, named in the failure.
    """
    give_up_at = time.monotonic() + timeout
    while True:
        answer = look()
        seen = await answer if isawaitable(answer) else answer
        if seen:
            return seen
        if time.monotonic() > give_up_at:
            raise AssertionError(_late(what, timeout, seen))
        await asyncio.sleep(_POLL_SECONDS)


def wait_until(look: Callable[[], _Seen], timeout: float = PATIENCE_SECONDS, what: str = "") -> _Seen:
    """Do the same as `eventually`, without an event loop."""
    give_up_at = time.monotonic() + timeout
    while not (seen := look()):
        if time.monotonic() > give_up_at:
            raise AssertionError(_late(what, timeout, seen))
        time.sleep(_POLL_SECONDS)
    return seen


def _late(what: str, timeout: float, seen: object) -> str:
    return f"{what or 'what was waited for'} did not come within {timeout} s; last seen: {seen!r}"
