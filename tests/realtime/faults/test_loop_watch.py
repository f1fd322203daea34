"""A loop that stands is noticed while it stands."""

import asyncio
import logging
import time

import pytest

from realtime.faults.faults import Faults
from realtime.faults.loop_lag import LoopLagMonitor
from realtime.faults.loop_watch import LoopWatch
from tests.support import eventually


async def test_a_standing_loop_is_named_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    """One line has the file and the line; the fault ends by itself after the loop goes on."""
    asyncio.get_running_loop().slow_callback_duration = 60.0
    faults, lag = Faults(), LoopLagMonitor(lambda: False, lambda _: None)
    lag.start()
    watch = LoopWatch(faults, lambda: lag.ticked_at, standstill_seconds=0.8)
    watch.start()
    with caplog.at_level(logging.WARNING, "slotcast.faults"):
        until = time.monotonic() + 20
        while "loop" not in faults.present and time.monotonic() < until:
            time.sleep(0.01)  # noqa: ASYNC251 - the loop stands
        assert faults.present == {"loop": "The event loop stood still."}
        await eventually(lambda: not faults.present, 20.0)
    await watch.close()
    lag.close()
    (begun, over) = [record.getMessage() for record in caplog.records]
    assert "test_loop_watch.py, line " in begun
    assert over.startswith("Over (loop)")
    assert faults.begun["loop"] == 1


async def test_a_loop_whose_turns_are_not_counted_any_more_does_not_stand(caplog: pytest.LogCaptureFixture) -> None:
    """A server that stops takes its time, and is no fault."""
    faults, lag, looks = Faults(), LoopLagMonitor(lambda: False, lambda _: None), 0

    def last_turn() -> float:
        nonlocal looks
        looks += 1
        return lag.ticked_at

    lag.start()
    watch = LoopWatch(faults, last_turn, standstill_seconds=0.05)
    lag.close()
    watch.start()
    await eventually(lambda: looks > 10)
    await watch.close()
    assert not faults.present
    assert not caplog.records
