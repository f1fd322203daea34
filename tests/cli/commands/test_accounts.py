"""The commands of accounts, for an owner who is locked out."""

from tests.cli.command import Run, check_one_line


def test_accounts_by_the_command_line(run: Run) -> None:
    """Make, list, change and remove accounts; a password that nobody types is printed once."""
    made = run("account", "create", "Anna")
    assert made.errors.startswith("password: ")
    identifier = made.output.strip()
    assert run("account", "create", "Bob", "--role", "viewer", "--calendars", "room-1,room-2").code == 0
    assert run("account", "list").output.splitlines()[0] == f"{identifier}\tAnna\t*=owner"
    check_one_line(run("account", "disable", "anna"), "invalid_transition", "last owner")
    check_one_line(run("account", "remove", "nobody"), "not_found")
    check_one_line(run("account", "create", "Eve", "--role", "boss"), "--role")
    check_one_line(run("account", "create", "Eve", "--calendars", ","), "--calendars")
    for command in (("disable", "bob"), ("enable", "bob"), ("roles", "bob", "--role", "owner"), ("password", "bob")):
        assert run("account", *command).code == 0, command
    assert run("account", "disable", "anna").code == 0
    assert [line.split("\t")[1:] for line in run("account", "list").output.splitlines()] == [
        ["Anna", "*=owner", "disabled"],
        ["Bob", "*=owner"],
    ]
    assert run("account", "remove", "Anna").code == 0
