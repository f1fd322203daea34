"""The commands on private feeds: create, list and revoke."""

from tests.cli.command import Run, check_one_line


def test_a_feed_is_made_listed_and_revoked(run: Run) -> None:
    """The path has the key, the list has not."""
    run("calendar", "create", "yoga")
    path = run("feed", "create", "yoga", "--bookings", "--name", "Own").output.strip()
    assert path.startswith("/calendars/yoga.ics?key=")
    listed = run("feed", "list", "yoga").output
    assert path.rpartition("=")[2] not in listed
    feed, _, scope, name = listed.strip().split("\t")
    assert (scope, name) == ("bookings", "Own")
    assert run("feed", "revoke", feed).output == f"{feed}\n"
    assert run("feed", "list", "yoga").output == ""


def test_an_unknown_feed_is_one_line(run: Run) -> None:
    """It is not found."""
    check_one_line(run("feed", "revoke", "01977420-0000-7000-8000-000000000001"))
