"""The supervisor knows which process stands still, and does not blame one for a time in which it stood itself."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cli import heartbeat
from cli.heartbeat import FROZEN_SECONDS, Heartbeats, beat_on_loop, beat_on_thread
from tests.support import eventually, wait_until


class Clock:
    """The monotonic clock of all processes."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


@pytest.fixture
def beats(clock: Clock, tmp_path: Path) -> Iterator[Heartbeats]:
    with closing(Heartbeats(tmp_path)) as beats:
        yield beats


def look_for(beats: Heartbeats, clock: Clock, seconds: float) -> None:
    """Let the time go on in the supervisor's steps."""
    for _ in range(int(seconds * 10)):
        clock.now += 0.1
        beats.look()


def test_a_process_without_a_beat_for_long_is_frozen(beats: Heartbeats, clock: Clock, tmp_path: Path) -> None:
    """The others beside it are not, nor is one that has not begun to beat."""
    with closing(Heartbeats(tmp_path)) as writer:
        writer.beat(-1)
        look_for(beats, clock, FROZEN_SECONDS - 1)
        writer.beat(1)
        assert not any(beats.is_frozen(number) for number in (-1, 0, 1, 2))
        look_for(beats, clock, 2)
        assert [number for number in (-1, 0, 1, 2) if beats.is_frozen(number)] == [-1]
        beats.forget(-1)
        assert not beats.is_frozen(-1)
        look_for(beats, clock, 5 * FROZEN_SECONDS)
        assert [number for number in (-1, 0, 1, 2) if beats.is_frozen(number)] == [1]


def test_a_supervisor_that_stood_judges_nobody_by_that_time(beats: Heartbeats, clock: Clock) -> None:
    """The whole machine may have been stopped, and its processes are about to go on."""
    beats.beat(0)
    clock.now += 3_600
    beats.look()
    assert not beats.is_frozen(0)
    look_for(beats, clock, FROZEN_SECONDS + 1)
    assert beats.is_frozen(0)


async def test_a_loop_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.001)
    task = asyncio.create_task(beat_on_loop(tmp_path, 0))
    before = await eventually(lambda: beaten_at(tmp_path, 0), 20.0, "a beat")
    await eventually(lambda: beaten_at(tmp_path, 0) > before, 20.0, "another beat")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_a_thread_beats(tmp_path: Path) -> None:
    beat_on_thread(tmp_path, -1)
    assert wait_until(lambda: beaten_at(tmp_path, -1), 20.0, "a beat") <= time.monotonic()


def beaten_at(folder: Path, number: int) -> float:
    file = folder / "beats"
    place = (number + 1) * 8
    data = file.read_bytes()[place : place + 8] if file.exists() else b""
    return float(heartbeat._TIME.unpack(data)[0]) if len(data) == 8 else 0.0
