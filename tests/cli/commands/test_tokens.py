"""The command that prints a token."""

from pathlib import Path
from typing import Any

import jwt

from tests.cli.command import Run, check_one_line


def test_a_token_of_a_new_secret(run: Run, tmp_path: Path) -> None:
    """The command refuses to make a token before there is a secret: the server's secret may be in another folder."""
    first, second = run("token"), run("token")
    assert str(tmp_path / "slotcast.secret") in first.errors
    assert first.output.count(".") == second.output.count(".") == 2
    assert second.errors == ""
    assert run("token", SLOTCAST_SECRET="s" * 32, SLOTCAST_DATABASE=f"sqlite:///{tmp_path / 'other.db'}").errors == ""


def _claims(run: Run, *arguments: str, **settings: str) -> dict[str, Any]:
    output = run("token", *arguments, **settings).output
    claims: dict[str, Any] = jwt.decode(output.strip(), options={"verify_signature": False})
    return claims


def test_two_tokens_are_two_people(run: Run) -> None:
    """Without a name each token has its own, so nobody fetches another's hold by its key."""
    assert _claims(run, "--subject", "ada")["sub"] == "ada"
    for scope in ("", "staff"):
        first, second = (_claims(run, "--scope", scope)["sub"] for _ in range(2))
        assert first != second
        assert first.startswith(f"{scope or 'guest'}-")


def test_no_token_is_made_for_longer_than_the_longest_life(run: Run) -> None:
    """`SLOTCAST_TOKEN_DAYS` bounds `--ttl`."""
    claims = _claims(run, "--ttl", "86400", SLOTCAST_TOKEN_DAYS="1")
    assert claims["exp"] - claims["iat"] == 86_400
    check_one_line(run("token", "--ttl", "86401", SLOTCAST_TOKEN_DAYS="1"), "--ttl", "86400", "SLOTCAST_TOKEN_DAYS")


def test_no_token_without_use_is_made(run: Run) -> None:
    """An id that no calendar can have, and a name that the server refuses in a token."""
    check_one_line(run("token", "--calendars", "room-1,Room 2"), "--calendars", "Room 2")
    for subject in ("x" * 256, "a\udcff"):
        check_one_line(run("token", "--subject", subject), "--subject", "255")


def test_tokens_in_use_are_listed_and_revoked(run: Run) -> None:
    """A token that nobody has used yet is not known; other scopes than roles are refused."""
    assert run("token", "list").output == ""
    check_one_line(run("token", "revoke", "nothing"), "not_found")
    check_one_line(run("token", "--scope", "boss"), "--scope")
    assert run("token", "--scope", "viewer").output.count(".") == 2
