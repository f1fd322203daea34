"""The fault of the writers lasts until a transaction proves that it is over."""

import pytest

from models.writing.write_fault import WriteFaults


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("database or disk is full", "disk"),
        ("disk I/O error", "disk"),
        ('could not extend file "base/5/1": No space left on device\nHINT: Check free disk space.', "disk"),
        ("attempt to write a readonly database", "read_only"),
        ("cannot execute INSERT in a read-only transaction", "read_only"),
        ("cannot set transaction read-write mode during recovery", "read_only"),
        ("database is locked", "locked"),
        ("unable to open database file", "files"),
        ("server closed the connection unexpectedly", "database"),
    ],
)
def test_each_fault_has_its_kind(text: str, expected: str) -> None:
    faults = WriteFaults()
    faults.note(RuntimeError(text))
    assert faults.present is not None
    assert faults.present.kind == expected
    assert "\n" not in faults.present.reason
    faults.note_commit(has_written=False)
    assert (faults.present is None) is (expected not in {"disk", "read_only"})
    faults.note_commit(has_written=True)
    assert faults.present is None


def test_a_fault_of_one_command_is_none_of_the_database() -> None:
    faults = WriteFaults()
    faults.note(RuntimeError("CHECK constraint failed: held"))
    assert faults.present is None
