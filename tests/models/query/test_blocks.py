"""The reads of blocks: the list of the newest, and those in force."""

import pytest

from models.contract.values.time import HOUR
from models.query import blocks
from tests.models.domain.access.test_blocks import add
from tests.models.driver import Driver


def test_a_list_has_the_newest_of_its_calendars(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest first, of all calendars of the caller together."""
    driver.create("other")
    for number, calendar in enumerate(("room", "other", "*", "room")):
        add(driver, "sub", f"s{number}", calendar=calendar)
        driver.clock.go(1)
    monkeypatch.setattr(blocks, "BLOCKS_A_LIST", 2)
    assert [one.value for one in driver.service.blocks(("other", "room"))] == ["s3", "s1"]
    assert [one.value for one in driver.service.blocks(("other",))] == ["s1"]
    assert [one.value for one in driver.service.blocks(None)] == ["s3", "s2"]


def test_an_ended_block_is_not_in_force(driver: Driver) -> None:
    """From exactly its end on."""
    add(driver, "sub", "marie", expires_at=driver.clock.now + HOUR)
    driver.clock.go(3_599)
    assert [one.value for one in driver.service.access().blocks] == ["marie"]
    driver.clock.go(1)
    assert driver.service.access().blocks == ()
