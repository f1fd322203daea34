"""Tokens and pseudonyms."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from models.contract.values.tokens import Tokens


@pytest.mark.parametrize("length", [1, 16, 32, 63, 64, 65, 200])
def test_a_token_is_the_hmac_of_its_id(length: int) -> None:
    """A token is base64url of the first 128 bits of HMAC-SHA256(secret, kind + id), for a secret of any length."""
    secret = bytes(range(length))
    tokens = Tokens(secret)
    digest = hmac.new(secret, b"hold\0some-id", hashlib.sha256).digest()[:16]
    assert tokens.token("hold", "some-id") == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert tokens.is_token(tokens.token("hold", "some-id"), "hold", "some-id")
    assert not tokens.is_token(tokens.token("booking", "some-id"), "hold", "some-id")
    assert not tokens.is_token("", "hold", "some-id")


def test_a_pseudonym_is_of_its_secret_and_parts() -> None:
    """The same again with the same secret, another with another secret, kind or parting of the text."""
    tokens = Tokens(b"one")
    made = {
        tokens.pseudonym("receipt", "a", "b"),
        tokens.pseudonym("receipt", "ab", ""),
        tokens.pseudonym("holder", "a", "b"),
        Tokens(b"two").pseudonym("receipt", "a", "b"),
    }
    assert len(made) == 4
    assert tokens.pseudonym("receipt", "a", "b") in made


def test_the_tokens_of_two_secrets_are_good_while_one_replaces_the_other() -> None:
    """Each server makes those of its own secret."""
    before, after = Tokens(b"one", b"two"), Tokens(b"two", b"one")
    assert before.token("booking", "id") == Tokens(b"one").token("booking", "id")
    for tokens in (before, after):
        assert tokens.is_token(before.token("booking", "id"), "booking", "id")
        assert tokens.is_token(after.token("booking", "id"), "booking", "id")
        assert not tokens.is_token(Tokens(b"three").token("booking", "id"), "booking", "id")
    assert not Tokens(b"two").is_token(before.token("booking", "id"), "booking", "id")
