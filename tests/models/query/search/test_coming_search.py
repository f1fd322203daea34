"""The coming bookings of one customer, page by page. How they are cancelled is tested with the bookings."""

from __future__ import annotations

import pytest

from models.query.search import coming_search
from models.query.search.coming_search import Coming, find_coming
from tests.models.driver import EVER, Driver


def test_each_page_examines_so_many_bookings(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without a booking of the customer has the mark of the next one; the page of one has its own."""
    monkeypatch.setattr(coming_search, "MOST_EXAMINED", 2)
    for slot in driver.open(5):
        driver.reserve(slot)
    theirs, pages = Coming(None, driver.clock.now, EVER, "bob@example.org"), 0
    page = ""
    while True:
        found, page = find_coming(driver.service._db, theirs, page, 100)
        assert found == {}
        if not page:
            break
        pages += 1
    assert pages == 2
    found, page = find_coming(driver.service._db, theirs._replace(email="ada@example.org"), "", 100)
    assert (len(found["room"]), bool(page)) == (2, True)
