"""Loop lag, and the refusal of new clients under it."""

import time

from realtime.faults.loop_lag import (
    CALM_SECONDS,
    IDLE_INTERVAL_SECONDS,
    LATE_INTERVALS,
    LATE_SECONDS,
    LoopLagMonitor,
)
from tests.support import eventually


def test_newcomers_are_refused_while_the_loop_stays_late_and_until_it_has_been_calm() -> None:
    """Late intervals in a row refuse new clients, a second of punctual ones admits them; the log has each once."""
    told: list[bool] = []
    loop_lag = LoopLagMonitor(lambda: False, told.append)
    loop_lag.measure(10.0, 0.001)
    for late in range(LATE_INTERVALS):
        loop_lag.measure(10.1 + late, LATE_SECONDS)
    last = 10.1 + LATE_INTERVALS - 1
    loop_lag.measure(last + 0.1, 0.0)
    loop_lag.measure(last + CALM_SECONDS, 0.0)
    assert told == [True, False]
    assert (loop_lag.longest_block_seconds, loop_lag.overloads) == (LATE_SECONDS, 1)


def test_one_pause_refuses_no_client() -> None:
    """One long pause of the machine is no overload, whatever its length."""
    told: list[bool] = []
    loop_lag = LoopLagMonitor(lambda: False, told.append)
    for moment in range(10):
        loop_lag.measure(moment, 5.0 if moment % LATE_INTERVALS == 0 else 0.0)
    assert told == []


def test_newcomers_are_refused_while_commands_pile_up() -> None:
    """The writer's queue counts like a late loop."""
    told: list[bool] = []
    is_pressed = True
    loop_lag = LoopLagMonitor(lambda: is_pressed, told.append)
    loop_lag.measure(10.0, 0.0)
    is_pressed = False
    loop_lag.measure(10.0 + CALM_SECONDS, 0.0)
    assert told == [True, False]


async def test_an_idle_loop_is_looked_at_less_often_and_a_block_is_measured_all_the_same() -> None:
    """The timer slows down while nothing runs. The first block after that counts with all its CPU."""
    loop_lag = LoopLagMonitor(lambda: False, lambda _: None)
    loop_lag.start()
    await eventually(lambda: loop_lag._interval == IDLE_INTERVAL_SECONDS)
    until = time.thread_time() + 3 * IDLE_INTERVAL_SECONDS
    while time.thread_time() < until:
        pass
    await eventually(lambda: loop_lag.longest_block_seconds >= 3 * IDLE_INTERVAL_SECONDS)
    loop_lag.close()
