"""The limit on log-ins: so many tries of one address, and so many for one name, whether it has an account or not.

An address that has signed in has tries of its own for that name. Else a stranger with a try every 20 s would lock the
account's owner out.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from models.contract.errors import RateLimited
from realtime.access.auth import holder_address

TRIES = 10
ADDRESS_SECONDS = 6.0  # until another try of an address
NAME_SECONDS = 20.0  # until another try for a name
_MOST_KEPT = 10_000


class SignInLimit:
    """Two budgets for each try. A success gives its try back, so that staff who sign in often are not stopped."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: OrderedDict[tuple[str, ...], float] = OrderedDict()  # when all tries are there again
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()  # names, with addresses that have signed in

    def check(self, address: str, name: str) -> None:
        """Take a try; RateLimited with the seconds to wait if there is none."""
        now = self._clock()
        for key, seconds in self._keys(address, name):
            wait = self._full_at.get(key, now) - now - (TRIES - 1) * seconds
            if wait > 0:
                raise RateLimited("Too many log-ins.", retry_after=round(wait, 3))
        for key, seconds in self._keys(address, name):
            self._full_at[key] = max(now, self._full_at.pop(key, now)) + seconds
        while len(self._full_at) > _MOST_KEPT:
            self._full_at.popitem(last=False)

    def succeed(self, address: str, name: str) -> None:
        """Give the try back, and know the address from now on."""
        for key, seconds in self._keys(address, name):
            if key in self._full_at:
                self._full_at[key] -= seconds
        known = name, holder_address(address)
        self._known[known] = None
        self._known.move_to_end(known)
        if len(self._known) > _MOST_KEPT:
            self._known.popitem(last=False)

    def _keys(self, address: str, name: str) -> tuple[tuple[tuple[str, ...], float], ...]:
        holder = holder_address(address)
        of_name = ("known", name, holder) if (name, holder) in self._known else ("name", name)
        return (("address", holder), ADDRESS_SECONDS), (of_name, NAME_SECONDS)
