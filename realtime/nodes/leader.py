"""The lead of the servers on one database: one of them does the periodic work for all.

The leader keeps a lock of the database. A server that dies loses it at once, and one that stands still within seconds,
also when only its event loop stands. SQLite has no such lock. There every process does the work, and it is done once
all the same.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress
from queue import SimpleQueue

from models.service import SlotService
from realtime.background_task import end_tasks

BEAT_SECONDS = 1.0  # between two proofs of a leader that it is there, and between two tries of the others
ANSWER_SECONDS = 2.0  # a leader without an answer of the database for so long stops the work

_log = logging.getLogger("slotcast.leader")


class Leader:
    """One task, with a thread and a connection of its own."""

    def __init__(self, service: SlotService) -> None:
        self._service = service
        self._leads = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._asked: SimpleQueue[asyncio.Future[bool] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._ask, name="slotcast-leader", daemon=True)

    @property
    def is_leader(self) -> bool:
        return self._leads.is_set()

    async def turn(self) -> None:
        """Return once this server leads."""
        await self._leads.wait()

    def start(self) -> None:
        if self._service.has_lead:
            self._thread.start()
            self._task = asyncio.create_task(self._run(), name="leader")
        else:
            self._leads.set()

    async def close(self) -> None:
        """Give up the lead, so that another server takes it at once."""
        if self._task is not None:
            await end_tasks([self._task])
            self._asked.put(None)
            await asyncio.to_thread(self._thread.join, ANSWER_SECONDS)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            answer: asyncio.Future[bool] = loop.create_future()
            self._asked.put(answer)
            done, _ = await asyncio.wait([answer], timeout=ANSWER_SECONDS)
            if not done:
                self._turn(leads=False)
                await answer
            # An answer that is late, also because this loop stood, may be out of date.
            self._turn(leads=answer.result() and loop.time() - began < ANSWER_SECONDS)
            await asyncio.sleep(max(0.0, began + BEAT_SECONDS - loop.time()))

    def _ask(self) -> None:
        """Take or keep the lead whenever the loop asks."""
        while (answer := self._asked.get()) is not None:
            has_lead = False
            try:
                has_lead = self._service.keep_lead()
            except Exception:
                _log.exception("The lead can't be asked for")
            with suppress(RuntimeError):  # the loop has closed
                answer.get_loop().call_soon_threadsafe(_settle, answer, has_lead)
        self._service.close_thread_connection()

    def _turn(self, *, leads: bool) -> None:
        if leads and not self.is_leader:
            self._leads.set()
            _log.info("This server leads")
        elif not leads and self.is_leader:
            self._leads.clear()
            _log.warning("This server does not lead any more")


def _settle(answer: asyncio.Future[bool], has_lead: bool) -> None:  # noqa: FBT001 - the result
    if not answer.done():
        answer.set_result(has_lead)
