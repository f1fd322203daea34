"""Answered commands survive `kill -9`."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from models.service import SlotService
from tests.models.database_audit import audit
from tests.models.driver import Driver, FakeClock, Viewer, booking, results
from tests.support import ROOT

SLOTS = 2_000


@pytest.mark.parametrize("answers", [1, 60, 700])
def test_answered_bookings_survive_a_kill(database: str, answers: int) -> None:
    """A process is killed in the midst of its bookings: all it answered are in the file, whole, and only once."""
    clock = FakeClock()
    service = SlotService(database, b"a secret of the tests", clock=clock, synchronous="normal")
    service.open()
    driver = Driver(service, clock)
    driver.create(max_holds=1)
    driver.open(SLOTS)
    viewer = Viewer(service, "room")
    service.close()
    teller = subprocess.Popen(
        [sys.executable, "-m", "tests.invariants.committer", database], cwd=ROOT, stdout=subprocess.PIPE
    )
    try:
        assert teller.stdout is not None
        lines = [teller.stdout.readline() for _ in range(answers)]
        teller.send_signal(signal.SIGKILL)
        lines += teller.stdout.readlines()
        assert teller.wait(10) == -signal.SIGKILL
    finally:
        teller.kill()
        teller.communicate()
    told = [line.split() for line in lines if line.endswith(b"\n")]
    assert {outcome for _, outcome in told} == {b"ok"}
    answered = {slot.decode() for slot, _ in told}

    again = SlotService(database, b"a secret of the tests", clock=clock)
    again.open()
    driver.service = viewer._service = again
    audit(driver.path)
    booked = {row[0] for row in driver.query("SELECT slot FROM booking")}
    assert answered <= booked
    assert len(booked) < SLOTS, "it was killed too late to prove anything"
    while viewer.follow():
        pass
    viewer.check()
    slot = next(iter(answered))
    retried = results(again.run(booking(slot, key=f"the-key-for-{slot}")))
    assert driver.query("SELECT id FROM booking WHERE slot = ?", slot) == [(retried["id"],)]
    again.close()
