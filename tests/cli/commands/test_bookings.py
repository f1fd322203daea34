"""The command on bookings: erase."""

import io
from pathlib import Path
from typing import Any

import pytest

from models.contract.changes import Customer
from models.service import SlotService
from tests.cli.command import Run, check_one_line
from tests.models.driver import booking


def book(run: Run, folder: Path, calendar: str, *emails: str) -> None:
    """Make a calendar with a booking for each address."""
    run("calendar", "create", calendar)
    secret = (folder / "slotcast.secret").read_bytes().strip()
    for number, email in enumerate(emails):
        hour = f"2033-01-31T{10 + number}"
        slot = run("slot", "open", calendar, f"{hour}:00:00Z", f"{hour}:30:00Z").output.strip()
        service = SlotService(f"sqlite:///{folder / 'slotcast.db'}", secret)
        service.open()
        service.run(booking(slot, customer=Customer(name="Ada", email=email)))
        service.close()


def test_an_address_is_erased_everywhere(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts are printed, and never the address; a second run erases nothing."""
    book(run, tmp_path, "yoga", "ada@example.org", "bob@example.org")
    book(run, tmp_path, "gym", "ADA@example.org")
    assert run("booking", "erase", "ada@example.org", "--calendar", "gym").output == (
        "erased the customer of 1 bookings in 1 calendars\n"
    )
    monkeypatch.setattr("sys.stdin", io.StringIO("ada@example.org\n"))
    done = run("booking", "erase", "-")
    assert done.output == "erased the customer of 1 bookings in 1 calendars\n"
    assert "ada" not in done.errors
    assert run("booking", "erase", "ada@example.org").output == "erased the customer of 0 bookings in 0 calendars\n"


@pytest.mark.parametrize(
    ("arguments", "word"), [(("",), "address"), (("a" * 255,), "address"), (("a@b.c", "--calendar", "no"), "not_found")]
)
def test_what_cannot_be_is_one_line(run: Run, arguments: Any, word: str) -> None:
    """An empty or too long address, and an unknown calendar."""
    check_one_line(run("booking", "erase", *arguments), word)
