"""The parts of the access of staff, made once: the credentials in force, passwords, and the handlers of requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeVar

from models.contract.changes import ACCESS_CALENDAR, Logged
from models.contract.values.time import Clock
from models.service import News
from realtime.access.auth import Auth
from realtime.access.block_list import BlockList
from realtime.access.credentials import CredentialKeeper, Credentials
from realtime.access.passwords import PasswordThreads
from realtime.async_service import AsyncService
from realtime.requests.access_handler import AccessHandler
from realtime.requests.session_handler import SessionHandler

Found = TypeVar("Found")


class AccessParts:
    """Starts and closes them, and takes the notices of changed rights to the keeper of the credentials."""

    def __init__(
        self, service: AsyncService, auth: Auth, credentials: Credentials, clock: Clock, *, session_seconds: int
    ) -> None:
        blocks = BlockList(service.sync.tokens, clock)
        self.keeper = CredentialKeeper(service, service.sync.access, credentials, blocks)
        self._passwords = PasswordThreads()
        self.handler = AccessHandler(service, auth, self.keeper, self._passwords, clock)
        self.sessions = SessionHandler(service, self.keeper, self._passwords, clock, session_seconds=session_seconds)

    def take_rows(self, rows: Iterable[Logged]) -> None:
        """Look for a notice among the rows of a commit."""
        if any(row.calendar == ACCESS_CALENDAR for row in rows):
            self.keeper.hurry()

    def noticing(self, read: Callable[[News], Found]) -> Callable[[News], Found]:
        """Return the reader of news, for the listener's thread, that also looks for a notice."""
        loop = asyncio.get_running_loop()

        def read_news(news: News) -> Found:
            if news.last is None or ACCESS_CALENDAR in news.last:
                loop.call_soon_threadsafe(self.keeper.hurry)
            return read(news)

        return read_news

    async def start(self) -> None:
        await self.keeper.start()

    async def close(self) -> None:
        await self._passwords.close()
        await self.keeper.close()
