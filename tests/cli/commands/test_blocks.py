"""The commands on blocks: add, list and remove."""

from tests.cli.command import Run, check_one_line


def test_a_block_is_added_listed_and_removed(run: Run) -> None:
    """In all calendars unless one is named; each command prints the id."""
    run("calendar", "create", "yoga")
    first = run("block", "add", "email", "ada@example.org", "--reason", "was rude").output.strip()
    second = run(
        "block", "add", "address", "192.0.2.9/24", "--calendar", "yoga", "--until", "2040-01-01T00:00:00Z"
    ).output.strip()
    listed = set(run("block", "list").output.splitlines())
    assert listed == {
        f"{first}\t*\temail\tada@example.org\t-\toperator\twas rude",
        f"{second}\tyoga\taddress\t192.0.2.0/24\t2040-01-01T00:00:00Z\toperator\t-",
    }
    run("booking", "erase", "ADA@example.org")
    assert f"{first}\t*\temail\t-\t-\toperator\t-" in run("block", "list").output, "its hash is in force"
    for block in (first, second):
        assert run("block", "remove", block).output == f"{block}\n"
    assert run("block", "list").output == ""


def test_a_block_that_can_not_be_is_one_line(run: Run) -> None:
    check_one_line(run("block", "add", "name", "Ada"), "email, phone, address, sub")
    check_one_line(run("block", "add", "email", "ada"), "value")
    check_one_line(run("block", "add", "sub", "ada", "--until", "tomorrow"), "--until")
    check_one_line(run("block", "add", "sub", "ada", "--calendar", "none"), "not_found")
