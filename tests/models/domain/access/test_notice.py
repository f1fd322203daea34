"""The notice of changed rights is a row of the log that every server sees, and that no audit finds."""

from models.contract.changes import ACCESS_CALENDAR, Logged
from models.service import SlotService
from tests.models.domain.access.test_accounts import add
from tests.models.driver import Driver


def test_a_change_of_rights_is_noticed(driver: Driver) -> None:
    """By this process with the commit, and by another one at its next look."""
    other = SlotService(driver.service.url, driver.service.secret, clock=driver.clock, synchronous="normal")
    other.open()
    watch = other.watch()
    watch.look()
    rows: list[Logged] = []
    driver.service.on_commit = rows.extend
    add(driver.service, "Anna")
    assert [(row.calendar, row.type) for row in rows] == [(ACCESS_CALENDAR, "access.changed")]
    news = watch.look()
    assert news is not None
    assert news.last is None or ACCESS_CALENDAR in news.last
    watch.close()
    other.close()
    assert driver.service.audit() == []
