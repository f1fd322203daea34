"""Many processes, the same seats."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest

from models.service import SlotService
from tests.models.database_audit import audit
from tests.models.driver import Driver, FakeClock
from tests.support import ROOT

PROCESSES = 8
SLOTS = 500
MANY_PROCESSES = 16
ATTEMPTS, LONG_ATTEMPTS = 5_000, 100_000


def race(driver: Driver, guard: str, processes: int = PROCESSES) -> Counter[str]:
    """Let the processes loose on the same slots, and return the codes of all their outcomes."""
    command = [sys.executable, "-m", "tests.invariants.racer", driver.service.url, guard, str(processes)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return Counter(json.loads(done.stdout))


def make_driver(service: SlotService, slots: int = SLOTS) -> Driver:
    """Return a driver with the slots of the race."""
    driver = Driver(service, FakeClock())
    driver.create()
    driver.open(slots)
    return driver


@pytest.mark.only("sqlite")
def test_every_seat_goes_to_one_of_eight_processes(service: SlotService) -> None:
    """Eight processes ask for the same 500 one-seat slots: each is booked once, and everyone is answered."""
    driver = make_driver(service)
    codes = race(driver, "guarded")
    assert codes == {"ok": SLOTS, "slot_unavailable": SLOTS * (PROCESSES - 1)}
    assert driver.query("SELECT COUNT(*), COUNT(DISTINCT slot) FROM booking") == [(SLOTS, SLOTS)]
    audit(driver.path)


def test_every_seat_goes_to_one_of_sixteen_processes(service: SlotService, request: pytest.FixtureRequest) -> None:
    """The same with sixteen of them, thousands of times; with `--long` a hundred thousand times."""
    attempts = LONG_ATTEMPTS if request.config.getoption("--long") else ATTEMPTS
    slots = -(-attempts // MANY_PROCESSES)
    driver = make_driver(service, slots)
    codes = race(driver, "guarded", MANY_PROCESSES)
    assert codes == {"ok": slots, "slot_unavailable": slots * (MANY_PROCESSES - 1)}
    assert driver.query("SELECT COUNT(*), COUNT(DISTINCT slot) FROM booking") == [(slots, slots)]
    audit(driver.path)


@pytest.mark.only("sqlite")
def test_the_race_catches_a_check_before_an_insert(service: SlotService) -> None:
    """The same race without the guard in the write double-books: so the test above can fail."""
    driver = make_driver(service)
    codes = race(driver, "check-then-insert")
    assert codes.total() == SLOTS * PROCESSES
    assert codes["ok"] > SLOTS
    assert driver.query("SELECT COUNT(*) > 0 FROM slot WHERE booked > capacity") == [(1,)]
