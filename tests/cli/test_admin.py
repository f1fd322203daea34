"""Commands on the database open the service, and close it at the end."""

from pathlib import Path

from tests.cli.command import Run, check_one_line


def test_a_refusal_closes_the_database(run: Run, tmp_path: Path) -> None:
    """The refusal is one line, and SQLite's files beside the database are gone."""
    check_one_line(run("slot", "close", "01977420-0000-7000-8000-000000000001"))
    assert {path.name for path in tmp_path.glob("slotcast.db*")} == {"slotcast.db"}


def test_a_group_without_a_command_prints_its_help(run: Run) -> None:
    """The help lists the commands of the group."""
    for group, command in (("calendar", "schedule"), ("slot", "remove")):
        assert command in run(group).output
