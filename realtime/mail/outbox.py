"""The outbox: sends the mails whose orders were committed, on the server that leads.

An order stays until its mail is noted as sent, so a server that ends meanwhile loses none; such a mail may come twice.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress
from email.message import EmailMessage
from typing import Any, NamedTuple

import msgspec

from models.contract.commands.background import ClaimMails, NoteMail
from models.contract.errors import Refused
from models.contract.values.time import Clock
from realtime.async_service import AsyncService
from realtime.background_task import end_tasks
from realtime.mail.message import write_message
from realtime.mail.smtp import MailFailed, MailServer, send
from realtime.nodes.leader import Leader

POLL_SECONDS = 1.0

_log = logging.getLogger("slotcast.mail")


class MailSettings(NamedTuple):
    """The mail server, the sender of the mails, and the address of this server for links in them."""

    server: MailServer
    sender: str
    public_url: str


class Outbox:
    """One task. Without settings it does nothing."""

    def __init__(self, service: AsyncService, leader: Leader, settings: MailSettings | None, clock: Clock) -> None:
        self._service = service
        self._leader = leader
        self._settings = settings
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self.sent = self.failed = 0

    def start(self) -> None:
        if self._settings is not None:
            self._task = asyncio.create_task(self._run(self._settings), name="outbox")

    async def close(self) -> None:
        await end_tasks([self._task])

    async def _run(self, settings: MailSettings) -> None:
        while True:
            try:
                await self._leader.turn()
                await self._send_due(settings)
            except Refused as refusal:
                _log.warning("Not done now: %s", refusal.message)
            except Exception:
                _log.exception("Mails could not be sent")
            await asyncio.sleep(POLL_SECONDS)

    async def _send_due(self, settings: MailSettings) -> None:
        answer = await self._service.run(ClaimMails())
        orders: list[dict[str, Any]] = msgspec.json.decode(answer.result)["mails"]
        if not orders:
            return
        messages = [write_message(order, settings.sender, settings.public_url, self._clock()) for order in orders]
        for order, failure in zip(orders, await self._send(settings.server, messages), strict=True):
            if failure is None:
                self.sent += 1
            else:
                self.failed += 1
                _log.warning("A mail was not sent: %s", failure)
            await self._service.run(NoteMail(booking=order["booking"], is_sent=failure is None))

    async def _send(self, server: MailServer, messages: list[EmailMessage]) -> list[MailFailed | None]:
        """Send the messages on a thread; no connection fails them all.

        No stop of the server waits for the thread, as it would for one of the loop's pool: a mail server may take 60 s.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[MailFailed | None]] = loop.create_future()

        def run() -> None:
            try:
                found: list[MailFailed | None] | Exception = send(server, messages)
            except MailFailed as failure:
                found = [failure] * len(messages)
            except Exception as error:
                found = error
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_settle, answer, found)

        threading.Thread(target=run, name="slotcast-mail", daemon=True).start()
        return await answer


def _settle(answer: asyncio.Future[list[MailFailed | None]], found: list[MailFailed | None] | Exception) -> None:
    if answer.done():  # the outbox is closed
        return
    if isinstance(found, Exception):
        answer.set_exception(found)
    else:
        answer.set_result(found)
