"""Passwords of accounts: Argon2id (RFC 9106) on threads of their own, so that no hash delays the loop or a read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING, TypeVar

from models.contract.errors import Overloaded

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")

THREADS = 2  # each hash takes 64 MiB
MOST_WAITING = 16  # beyond them a log-in is refused


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # noqa: PLC0415 - its import takes 30 ms, and most processes never hash

    return PasswordHasher()


@cache
def _nobody() -> str:
    """Return a hash to compare with where there is no account: the answer takes as long."""
    return hash_password("no account has this password")


def hash_password(password: str) -> str:
    """Return the hash of a password, with its salt and parameters. It takes about 50 ms."""
    return _hasher().hash(password)


def is_password(stored: str | None, password: str) -> bool:
    """Compare a password with a stored hash. Without one it takes as long, and is False."""
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - as above

    try:
        _hasher().verify(_nobody() if stored is None else stored, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


class PasswordThreads:
    """Runs hashes on a few threads; Overloaded where too many wait."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="slotcast-password")
        self._under_way = 0

    async def hash(self, password: str) -> str:
        return await self._run(partial(hash_password, password))

    async def is_password(self, stored: str | None, password: str) -> bool:
        return await self._run(partial(is_password, stored, password))

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way >= MOST_WAITING:
            raise Overloaded
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._under_way -= 1

    async def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
