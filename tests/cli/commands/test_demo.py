"""The command that makes the demo calendar."""

from tests.cli.command import Run


def test_the_demo_is_made_once(run: Run) -> None:
    """A second time changes nothing, and says so."""
    assert "new slots" in run("demo").output
    assert run("demo").output == "The calendar demo exists already.\n"
    assert run("calendar", "list").output.startswith("demo\t")
