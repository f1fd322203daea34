"""The commands on slots: open, close and remove."""

from tests.cli.command import Run, check_one_line


def test_a_slot_is_opened_closed_and_removed(run: Run) -> None:
    """Each command prints one word, and a removed slot is unknown afterwards."""
    run("calendar", "create", "yoga")
    slot = run("slot", "open", "yoga", "2033-01-31T09:00:00Z", "2033-01-31T10:00:00Z", "--capacity", "3").output.strip()
    assert run("slot", "close", slot).output == "closed\n"
    assert run("slot", "remove", slot).output == f"{slot}\n"
    check_one_line(run("slot", "close", slot))


def test_a_bad_time_is_one_line(run: Run) -> None:
    """The line names the field."""
    run("calendar", "create", "yoga")
    check_one_line(run("slot", "open", "yoga", "tomorrow", "2033-01-31T10:00:00Z"), "start")
