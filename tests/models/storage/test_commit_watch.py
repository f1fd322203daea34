"""The watch on the database notices commits of other connections."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from models.service import SlotService
from tests.models.driver import Driver, FakeClock


def test_another_process_s_commit_moves_the_watch(driver: Driver) -> None:
    """The watch on the database notices each commit of another connection once."""
    watch = driver.service.watch()
    watch.has_moved()
    assert not watch.has_moved()
    driver.open()
    assert watch.has_moved()
    assert not watch.has_moved()
    watch.close()


@pytest.mark.only("postgres")
def test_a_change_of_another_process_is_seen_by_the_watch_only_once_it_can_be_read(
    open_service: Callable[..., SlotService], clock: FakeClock
) -> None:
    """An open transaction does not move it, its commit does."""
    service = open_service()
    driver = Driver(service, clock)
    driver.create()
    watch = service.watch()
    with psycopg.connect(service.url) as other:
        other.execute("UPDATE calendar SET name = 'Other' WHERE id = 'room'")
        watch.has_moved()
        assert not watch.has_moved()
        other.commit()
    assert watch.has_moved()
    assert not watch.has_moved()
    watch.close()
