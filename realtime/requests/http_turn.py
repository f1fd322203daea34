"""A request over HTTP that waits for its turn in an overload: its client's address has ignored refusals."""

from __future__ import annotations

import asyncio

from realtime.engine import AddressBudget
from realtime.engine.reading_line import Conduct


class HttpTurn:
    """The place of one request in the line. HTTP has no sessions, so the conduct is that of the address."""

    is_open = True  # the request waits for its turn also where its client has gone

    def __init__(self, address: AddressBudget) -> None:
        self._address = address
        self._turn: asyncio.Future[None] | None = None

    @property
    def conduct(self) -> Conduct | None:
        return self._address.conduct

    @conduct.setter
    def conduct(self, conduct: Conduct | None) -> None:
        self._address.conduct = conduct

    def enter_line(self) -> None:
        """Answer nothing until `leave_line` (ReadingLine)."""
        self._turn = asyncio.get_running_loop().create_future()

    def leave_line(self) -> None:
        """Answer (ReadingLine)."""
        if self._turn is not None and not self._turn.done():
            self._turn.set_result(None)

    async def until_left(self) -> None:
        """Wait for the turn of a request in the line."""
        if self._turn is not None:
            await self._turn
