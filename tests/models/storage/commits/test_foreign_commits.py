"""The writer's own commits are no news, and those of others are, soon after they were made."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator
from queue import SimpleQueue

import pytest

from models.contract.commands.background import CheckWriter
from models.contract.commands.calendars import CreateCalendar, UpdateCalendar
from models.contract.principal import OPERATOR
from models.service import Outcome, QueuedCommand, SlotService
from models.storage.commits import foreign_commits
from models.storage.commits.foreign_commits import ForeignCommits
from tests.models.driver import Driver
from tests.support import wait_until

pytestmark = pytest.mark.only("sqlite")
SOON_SECONDS = 20.0


@pytest.fixture
def writing(driver: Driver, open_service: Callable[..., SlotService]) -> SlotService:
    """Return a service whose writer is the test's thread."""
    return open_service(writers=0)


@pytest.fixture
def commits(writing: SlotService) -> Iterator[ForeignCommits]:
    commits = writing.foreign_commits()
    wait_until(lambda: not commits.due_in(), SOON_SECONDS, "the first look")
    assert not commits.look()
    yield commits
    commits.close()
    writing.close_thread_connection()


def write(service: SlotService, name: str) -> None:
    """Rename the calendar on this thread."""
    source: SimpleQueue[QueuedCommand | None] = SimpleQueue()
    outcomes: list[Outcome] = []
    source.put(QueuedCommand(UpdateCalendar(principal=OPERATOR, calendar="room", name=name), outcomes.append, {}))
    source.put(None)
    batches = service._make_batches()
    asked = source.get()
    assert asked is not None
    (outcome,) = batches.run([asked])
    assert not isinstance(outcome, Exception), outcome


def sees(commits: ForeignCommits) -> bool:
    """Look for as long as a commit may take to be seen."""
    give_up_at = time.monotonic() + 0.2
    while time.monotonic() < give_up_at:
        if commits.look():
            return True
        time.sleep(commits.due_in())
    return commits.look()


def test_only_commits_of_others_are_news(writing: SlotService, commits: ForeignCommits, driver: Driver) -> None:
    """Also where they lie between commits of the writer."""
    for name in ("One", "Two"):
        write(writing, name)
    assert not sees(commits)
    driver.service.run(CreateCalendar(principal=OPERATOR, calendar="other", name="Other", zone="UTC"))
    write(writing, "Three")
    assert sees(commits)
    assert not sees(commits)


def test_a_command_without_a_write_is_no_news(commits: ForeignCommits, driver: Driver) -> None:
    driver.service.run(CheckWriter())
    assert not sees(commits)


@pytest.mark.skipif(not hasattr(os, "eventfd"), reason="inotify is of Linux")
def test_a_write_to_a_quiet_file_ends_the_wait(
    commits: ForeignCommits, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next look at a quiet file is a second away, and at one that is written to a moment."""
    monkeypatch.setattr(foreign_commits, "SETTLED_SECONDS", 0.0)
    wait_until(lambda: commits.look() or commits.due_in() > 0.5, SOON_SECONDS, "a quiet file")
    driver.open()
    ready, _, _ = select.select([commits.descriptor], [], [], SOON_SECONDS)
    assert ready
    commits.look()
    assert commits.due_in() <= driver.service._db.poll_seconds


def test_a_lost_connection_is_no_fault(writing: SlotService, commits: ForeignCommits, driver: Driver) -> None:
    """A commit from the time without a connection is found."""
    writing.close_thread_connection()
    driver.open()
    assert sees(commits)
