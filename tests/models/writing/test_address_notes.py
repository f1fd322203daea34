"""Addresses wait for a second, and for a database that takes them."""

import time

import pytest

from models.writing import address_notes
from models.writing.address_notes import AddressNotes

ONE = ("room", 1, 0, "192.0.2.1")


def test_they_are_due_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second begins with the first of them."""
    notes = AddressNotes()
    assert (bool(notes), notes.is_due) == (False, False)
    notes.add([ONE])
    assert (bool(notes), notes.is_due) == (True, False)
    began = time.monotonic()
    monkeypatch.setattr("models.writing.address_notes.time.monotonic", lambda: began + 1.0)
    notes.add([ONE])
    assert notes.is_due
    assert notes.take() == [ONE, ONE]
    assert notes.take() == []


def test_the_oldest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the database takes none, their memory is bounded."""
    monkeypatch.setattr(address_notes, "MOST_KEPT", 3)
    notes = AddressNotes()
    for seq in range(5):
        notes.add([("room", seq, 0, "192.0.2.1")])
    assert [seq for _, seq, _, _ in notes.take()] == [2, 3, 4]
