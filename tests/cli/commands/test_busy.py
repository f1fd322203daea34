"""The commands on sources of busy times: add, list and remove."""

from pathlib import Path

from tests.cli.command import Run, check_one_line


def test_a_file_is_added_listed_and_removed(run: Run, tmp_path: Path) -> None:
    """Each command prints the id; a removed source is not in the list."""
    run("calendar", "create", "yoga")
    (tmp_path / "own.ics").write_text("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    source = run("busy", "add", "yoga", "own.ics", "--name", "Own").output.strip()
    listed = run("busy", "list", "yoga").output
    assert listed.startswith(f"{source}\t")
    assert "\tOwn\t" in listed
    assert run("busy", "remove", source).output == f"{source}\n"
    assert run("busy", "list", "yoga").output == ""


def test_a_source_that_can_not_be_read_is_one_line(run: Run) -> None:
    """The line names the file, or the field."""
    run("calendar", "create", "yoga")
    check_one_line(run("busy", "add", "yoga", "missing.ics"), "missing.ics")
    check_one_line(run("busy", "add", "yoga", "gopher://example.org/x"), "url")
