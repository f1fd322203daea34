"""The expected wait of a command, and the refusals on arrival."""

from __future__ import annotations

import pytest

from realtime.access.waiting_bound import (
    FIRST_WINDOW,
    GROWTH,
    IGNORING_SHARE,
    LEAST_RETRY_SECONDS,
    LEAST_WINDOW,
    MOST_RETRY_SECONDS,
    MOST_WINDOW,
    READ_SHARE,
    SHRINK,
    WaitingBound,
)


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


def _work(wait: WaitingBound, clock: _Clock, count: int, seconds_each: float) -> None:
    """Run commands one by one, each of them at once."""
    for _ in range(count):
        wait.asked()
        clock.now += seconds_each
        wait.answered(1, 0)


def _is_full(wait: WaitingBound) -> bool:
    return wait.is_too_long


def _fill(wait: WaitingBound) -> int:
    """Ask until no more command is taken, and return the number under way."""
    while not wait.is_too_long:
        wait.asked()
    return wait.under_way


def test_the_window_shrinks_once_in_a_wait_that_is_too_long(clock: _Clock) -> None:
    """At half of the longest wait it stays; over it, the answers of a wait shrink it once, down to two batches."""
    wait = WaitingBound(0.25, clock)
    assert _fill(wait) == FIRST_WINDOW
    wait.answered(50, 0, 0.125)
    assert _fill(wait) == FIRST_WINDOW + 50 * GROWTH
    for _ in range(3):
        wait.answered(10, 0, 0.126)
    shrunk = SHRINK * (FIRST_WINDOW + 50 * GROWTH)
    wait.answered(0, wait.under_way)
    assert _fill(wait) == pytest.approx(shrunk, abs=1)
    for _ in range(20):
        clock.now += 1
        wait.answered(1, 0, 0.9)
    wait.answered(0, wait.under_way)
    assert _fill(wait) == LEAST_WINDOW


def test_the_window_grows_only_while_it_is_full(clock: _Clock) -> None:
    """A calm server learns nothing of its speed; a full window with answers in time lets more commands wait."""
    wait = WaitingBound(0.25, clock)
    _work(wait, clock, 1_000, 0.001)
    assert _fill(wait) == FIRST_WINDOW
    for _ in range(100):
        wait.answered(50, 0, 0.1)
        _fill(wait)
    assert wait.under_way == FIRST_WINDOW + 100 * 50 * GROWTH
    for _ in range(1_000):
        wait.answered(500, 0, 0.1)
        _fill(wait)
    assert wait.under_way == MOST_WINDOW


def test_the_room_for_those_who_ignore_refusals_ends_before_the_window(clock: _Clock) -> None:
    """They are read while a part of the window is free, and refused in its last part; a standing writer has none."""
    wait = WaitingBound(0.25, clock)
    assert wait.read_room() == READ_SHARE * FIRST_WINDOW
    while not wait.is_beyond(IGNORING_SHARE):
        assert wait.read_room(waiting=10) == max(0, READ_SHARE * FIRST_WINDOW - wait.under_way - 10)
        wait.asked()
    assert (wait.read_room(), wait.is_too_long) == (0, False)
    assert wait.is_beyond(1.0, waiting=FIRST_WINDOW - wait.under_way)
    wait.answered(wait.under_way - 1, 0)
    assert wait.read_room() > 0
    clock.now += 0.26
    assert wait.read_room() == 0


def test_a_claim_is_late_after_the_time_in_which_it_could_be_done(clock: _Clock) -> None:
    """Half of the longest wait is for the writer; without a bound no claim is late."""
    assert [WaitingBound(0.25, clock).is_late(clock.now - since) for since in (0.12, 0.13)] == [False, True]
    assert not WaitingBound(0.0, clock).is_late(0.0)


def test_commands_that_came_too_late_for_the_writer_shrink_the_window(clock: _Clock) -> None:
    """Also if it has run none: it is slower than was known."""
    wait = WaitingBound(0.25, clock)
    for _ in range(20):
        clock.now += 1
        _fill(wait)
        wait.answered(0, wait.under_way)
    assert _fill(wait) == LEAST_WINDOW


def test_a_writer_that_stands_still_is_too_long(clock: _Clock) -> None:
    """Nothing is known of its speed, but its oldest command has waited too long already; an answer ends that."""
    wait = WaitingBound(0.25, clock)
    wait.asked()
    wait.asked()
    clock.now += 0.24
    assert _is_full(wait) is False
    clock.now += 0.02
    assert _is_full(wait) is True
    assert wait.standstill_seconds == pytest.approx(0.26)
    wait.answered(2, 0)
    assert _is_full(wait) is False
    assert wait.standstill_seconds == 0


def test_without_a_bound_nothing_is_too_long(clock: _Clock) -> None:
    """`SLOTCAST_MAX_WAIT_MS=0` lets commands wait for any time."""
    wait = WaitingBound(0.0, clock)
    wait.asked()
    clock.now += 1_000
    assert not wait.is_too_long


def test_refusals_say_when_to_come_again(clock: _Clock) -> None:
    """The time grows with the load, up to what the bundled client waits for, and is spread over its second half."""
    wait = WaitingBound(0.25, clock)
    calm = [wait.refusal().details["retry_after"] for _ in range(50)]
    assert LEAST_RETRY_SECONDS <= min(calm) < max(calm) <= 2 * LEAST_RETRY_SECONDS
    for load, longest in ((3, 3.0), (50, MOST_RETRY_SECONDS)):
        clock.now += 1
        wait.refusal()  # ends the period before
        _work(wait, clock, 100, 0.001)
        for _ in range(100 * (load - 1) - 1):
            wait.refusal()
        clock.now += 1
        told = [wait.refusal().details["retry_after"] for _ in range(50)][1:]
        assert longest / 2 <= min(told) < max(told) <= longest
