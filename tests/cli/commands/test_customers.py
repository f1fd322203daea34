"""The command on customers: export."""

import io
import json
from pathlib import Path

import pytest

from tests.cli.command import Run, check_one_line
from tests.cli.commands.test_bookings import book


def test_a_person_gets_all_data(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bookings of all calendars or of one, also by an address on standard input, and nothing of others."""
    book(run, tmp_path, "yoga", "ada@example.org", "bob@example.org")
    book(run, tmp_path, "gym", "ADA@example.org")
    found = json.loads(run("customer", "export", "ada@example.org").output)
    assert {one["calendar"]: one["customer"]["name"] for one in found["bookings"]} == {"yoga": "Ada", "gym": "Ada"}
    assert {one["address"] for one in found["entries"]} == {"192.0.2.1"}
    monkeypatch.setattr("sys.stdin", io.StringIO("ada@example.org\n"))
    (one,) = json.loads(run("customer", "export", "-", "--calendar", "gym").output)["bookings"]
    assert one["calendar"] == "gym"
    run("block", "add", "email", "ADA@example.org", "--reason", "was rude")
    (blocked,) = json.loads(run("customer", "export", "ada@example.org").output)["blocks"]
    assert blocked["reason"] == "was rude"
    nothing: dict[str, list[str]] = {"bookings": [], "entries": [], "blocks": []}
    assert json.loads(run("customer", "export", "eve@example.org").output) == nothing
    check_one_line(run("customer", "export", ""), "address")
    check_one_line(run("customer", "export", "a@b.c", "--calendar", "no"), "not_found")
