"""Private feeds: made, listed and revoked by staff, and found by their keys."""

from __future__ import annotations

import pytest

from models.contract.commands.calendars import CreateFeed, RevokeFeed
from models.contract.errors import BadRequest, LimitExceeded, NotFound, Unauthorized
from models.domain.calendars import feeds
from tests.models.driver import GUEST, STAFF, Driver, new_key, results


def make(driver: Driver, scope: str = "slots", key: str = "") -> dict[str, str]:
    command = CreateFeed(principal=STAFF, calendar="room", name=" A b ", scope=scope, key=key or new_key())  # type: ignore[arg-type]
    made: dict[str, str] = results(driver.service.run(command))
    return made


def test_a_key_opens_its_own_calendar_until_it_is_revoked(driver: Driver) -> None:
    """The key is told once, is nowhere in the database, and has its scope."""
    feed = make(driver, "bookings")
    key = feed.pop("token")
    assert [(one.id, one.name, one.scope) for one in driver.service.feeds("room")] == [(feed["id"], "A b", "bookings")]
    assert driver.service.feed_scope("room", key) == "bookings"
    assert key not in str(driver.query("SELECT * FROM feed")) + str(driver.query("SELECT * FROM receipt"))
    driver.service.run(RevokeFeed(principal=STAFF, feed=feed["id"]))
    assert driver.service.feeds("room") == []
    for calendar in ("room", "none"):
        with pytest.raises(NotFound):
            driver.service.feed_scope(calendar, key)


@pytest.mark.only("sqlite")
def test_a_name_is_one_line(driver: Driver) -> None:
    """A name with a line break or a control character is refused."""
    for name in ("A\nb", "A\0", "A\u202eb"):
        with pytest.raises(BadRequest, match="one line"):
            driver.service.run(CreateFeed(principal=STAFF, calendar="room", name=name, key=new_key()))


def test_a_repeated_request_makes_one_feed(driver: Driver) -> None:
    """The repetition gets the same key, which the idempotency record does not have."""
    key = new_key()
    assert make(driver, key=key) == make(driver, key=key)
    assert len(driver.service.feeds("room")) == 1


def test_only_staff_make_and_revoke_feeds(driver: Driver) -> None:
    """A guest gets neither a key nor an end of one."""
    with pytest.raises(Unauthorized):
        driver.service.run(CreateFeed(principal=GUEST, calendar="room", key=new_key()))
    with pytest.raises(Unauthorized):
        driver.service.run(RevokeFeed(principal=GUEST, feed=make(driver)["id"], key=new_key()))


@pytest.mark.only("sqlite")
def test_a_calendar_has_so_many_feeds(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is refused."""
    monkeypatch.setattr(feeds, "MOST_FEEDS", 2)
    for _ in range(2):
        make(driver)
    with pytest.raises(LimitExceeded):
        make(driver)
