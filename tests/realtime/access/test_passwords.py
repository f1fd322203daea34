"""Passwords are hashed with a salt, compared in constant time, and never by more threads than there are."""

import asyncio

import pytest

from models.contract.errors import Overloaded
from realtime.access.passwords import MOST_WAITING, PasswordThreads, hash_password, is_password


def test_a_password_is_known_by_its_hash() -> None:
    """Two hashes of it differ. Without a stored hash, and with a damaged one, none is right."""
    stored = hash_password("correct horse")
    assert stored.startswith("$argon2id$")
    assert stored != hash_password("correct horse")
    assert is_password(stored, "correct horse")
    assert not any(is_password(kept, "wrong horse") for kept in (stored, None, "damaged"))
    assert not is_password(None, "no account has this password")


async def test_too_many_at_once_are_refused() -> None:
    threads = PasswordThreads()
    answers = await asyncio.gather(*(threads.hash("x" * 20) for _ in range(MOST_WAITING + 2)), return_exceptions=True)
    assert sum(isinstance(answer, Overloaded) for answer in answers) == 2
    assert await threads.is_password(next(one for one in answers if isinstance(one, str)), "x" * 20)
    await threads.close()
    with pytest.raises(RuntimeError):
        await threads.hash("x")
