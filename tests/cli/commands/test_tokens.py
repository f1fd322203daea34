"""The command that prints a token."""

from pathlib import Path

from tests.cli.command import Run


def test_a_token_of_a_new_secret(run: Run, tmp_path: Path) -> None:
    """The command refuses to make a token before there is a secret: the server's secret may be in another folder."""
    first, second = run("token"), run("token")
    assert str(tmp_path / "slotcast.secret") in first.errors
    assert first.output.count(".") == second.output.count(".") == 2
    assert second.errors == ""
    assert run("token", SLOTCAST_SECRET="s" * 32, SLOTCAST_DATABASE=f"sqlite:///{tmp_path / 'other.db'}").errors == ""
