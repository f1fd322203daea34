"""A ticket is good once, on all servers of a database, and is forgotten after its end."""

import time

import psycopg
import pytest

from models.contract.commands.background import UseTicket
from models.contract.errors import Unauthorized
from models.contract.values.time import SECOND
from models.service import SlotService
from models.storage.postgres import CALENDAR_LOCK_SECONDS
from tests.models.driver import Driver


def use(service: SlotService, ticket: str, ends_at: int) -> None:
    service.run(UseTicket(ticket=ticket, ends_at=ends_at))


def test_a_ticket_is_good_once_on_all_servers(driver: Driver) -> None:
    other = SlotService(driver.service.url, driver.service.secret, clock=driver.clock, synchronous="normal")
    other.open()
    use(driver.service, "one", driver.clock() + 30 * SECOND)
    for service in (driver.service, other):
        with pytest.raises(Unauthorized):
            use(service, "one", driver.clock() + 30 * SECOND)
    use(other, "two", driver.clock() + 30 * SECOND)
    other.close()


def test_used_tickets_are_forgotten_after_their_end(driver: Driver) -> None:
    """Nobody can use one after its end: its signature says when that is."""
    use(driver.service, "one", driver.clock() + 30 * SECOND)
    driver.clock.go(31)
    use(driver.service, "two", driver.clock() + 30 * SECOND)
    assert driver.query("SELECT id FROM used_ticket") == [("two",)]


@pytest.mark.only("postgres")
def test_no_ticket_waits_for_a_frozen_server(driver: Driver) -> None:
    """Such a server may have the rows of ended tickets locked, since it forgets them in its transaction."""
    use(driver.service, "one", driver.clock() + 30 * SECOND)
    driver.clock.go(31)
    with psycopg.connect(driver.path) as frozen:
        frozen.execute("SELECT * FROM used_ticket FOR UPDATE")
        began = time.monotonic()
        use(driver.service, "two", driver.clock() + 30 * SECOND)
        assert time.monotonic() - began < CALENDAR_LOCK_SECONDS * 10
    use(driver.service, "three", driver.clock() + 30 * SECOND)
    assert sorted(driver.query("SELECT id FROM used_ticket")) == [("three",), ("two",)]
