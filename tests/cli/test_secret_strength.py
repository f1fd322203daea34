"""Secrets that a person has typed are told from random ones."""

import secrets

import pytest

from cli.secret_strength import can_be_guessed


@pytest.mark.parametrize(
    "secret",
    [
        "a" * 40,
        "correct-horse-" * 3,
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "qwertyuiopasdfghjklzxcvbnm1234567890",
        "Please change this secret before use!",
        "CHANGE-ME-CHANGE-ME-or-it-is-no-secret",
        "0123456789abcdef" * 2,
    ],
)
def test_a_typed_secret_can_be_guessed(secret: str) -> None:
    """Repeated letters, rows of the keyboard and placeholders of a template are no secrets, whatever their length."""
    assert can_be_guessed(secret.encode())


def test_a_random_secret_can_not_be_guessed() -> None:
    """Neither one of base64 nor one of few hexadecimal digits, of which 32 lack six now and then."""
    for _ in range(1_000):
        assert not can_be_guessed(secrets.token_urlsafe(32).encode())
        assert not can_be_guessed(secrets.token_hex(16).encode())
