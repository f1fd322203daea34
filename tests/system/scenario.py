"""A day in a shop while its server is killed again and again: all callers go on, and repeat with the same key."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import aiohttp

from tests.support import STAFF, Api, Client, new_key
from tests.support.example import in_days
from tests.support.route import route

CALENDAR = "shop"
_PLACES = 48 * 60  # half hours of the usual window
_RETRY_SECONDS = 0.05
_GIVE_UP_SECONDS = 30.0
_RACE_LOST = {
    "slot_unavailable",
    "invalid_transition",
    "not_found",
    "capacity_exceeded",
    "hold_expired",
    "limit_exceeded",
    "version_conflict",
}

Ask = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


class Lost(Exception):
    """The server went before it answered."""


class Place(Protocol):
    """A server, or a proxy before several."""

    @property
    def url(self) -> str: ...
    def command(self, *arguments: str) -> str: ...


class Shop:
    """The callers: over Socket.IO, over HTTP and at the command line.

    Attributes:
        bookings: the ids of all bookings that were answered.
        slots: those of all slots.
        longest_seconds: the longest time of a request from its first try to its answer.
    """

    def __init__(
        self,
        server: Place,
        token: str,
        seed: int,
        *,
        calendar: str = CALENDAR,
        first: int = 0,
        step: int = 1,
        most_slots: int = 10_000,
        pause_seconds: float = 0.0,
    ) -> None:
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.bookings: set[str] = set()
        self.slots: set[str] = set()
        self.longest_seconds = 0.0
        self.is_closing = False
        self._calendar = calendar
        self._most_slots = most_slots
        self._pause_seconds = pause_seconds
        self._server = server
        self._token = token
        self._dice = random.Random(seed)
        self._slots: list[str] = []
        self._place = first
        self._step = step  # shops on one calendar open slots in turns

    @property
    def answered(self) -> int:
        return self.done.total() + self.refused.total()

    def has_done(self, count: int) -> bool:
        return self.done.total() >= count

    def new_slots(self, count: int) -> list[dict[str, Any]]:
        """Return slots for this call only, half an hour each, within the usual window."""
        slots = []
        for _ in range(count):
            self._place += self._step
            start = 1 + self._place % _PLACES / 48
            capacity = self._dice.choice([1, 1, 3])
            slots.append({"start": in_days(start), "end": in_days(start + 1 / 50), "capacity": capacity})
        return slots

    async def open_slots(self, ask: Ask, count: int) -> list[str]:
        answer = await ask("slot.open", {"calendar": self._calendar, "slots": self.new_slots(count)})
        ids = [slot["id"] for slot in answer["slots"]]
        self._slots += ids
        self.slots.update(ids)
        return ids

    async def over_http(self, request: str, fields: dict[str, Any]) -> dict[str, Any]:
        """One request, asked until it is answered."""
        method, path, headers, body = route(request, {"key": new_key(), **fields})

        async def once() -> dict[str, Any]:
            async with Api(self._server.url, self._token) as api:
                try:
                    answer = await api.ask(method, path, body, headers=headers)
                except (aiohttp.ClientError, OSError) as error:
                    raise Lost from error
            if "json" not in answer.headers.get("Content-Type", ""):  # a proxy's own page
                raise Lost
            found: dict[str, Any] = answer.body
            return {"ok": answer.status < 400, "error": found, **found}

        return await self._until_answered(request, once)

    def over(self, client: Client) -> Ask:
        """The same over this client's socket."""

        async def ask(request: str, fields: dict[str, Any]) -> dict[str, Any]:
            whole = {"key": new_key(), **fields}

            async def once() -> dict[str, Any]:
                if not client.is_connected:
                    raise Lost
                answer = asyncio.ensure_future(client.ask(request, whole))
                await self._outlasts(client, answer)
                try:
                    found: dict[str, Any] = await answer
                except (ConnectionError, TimeoutError) as error:
                    raise Lost from error
                return found

            return await self._until_answered(request, once)

        return ask

    async def _outlasts(self, client: Client, answer: "asyncio.Future[Any]") -> None:
        """Returns with the answer; Lost if the connection goes first."""
        while not answer.done():
            await asyncio.wait([answer], timeout=_RETRY_SECONDS)
            if not client.is_connected and not answer.done():
                answer.cancel()
                raise Lost

    async def at_the_command_line(self, *arguments: str) -> str:
        """`server.py …` in a process of its own: it acts on the database, whether a server runs or not."""
        printed = await asyncio.to_thread(self._server.command, *arguments)
        self.done["cli " + " ".join(arguments[:2])] += 1
        return printed.strip()

    async def _until_answered(self, request: str, once: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        began = time.monotonic()
        while time.monotonic() < began + _GIVE_UP_SECONDS:
            try:
                answer = await once()
            except Lost:
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if answer["ok"]:
                self._note(request, answer, time.monotonic() - began)
                return answer
            code = answer["error"]["code"]
            if answer["error"]["retryable"]:
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            assert code in _RACE_LOST, (request, answer)
            self.refused[code] += 1
            return {}
        raise AssertionError(f"{request} was not answered in {_GIVE_UP_SECONDS} s")

    def _note(self, request: str, answer: dict[str, Any], seconds: float) -> None:
        self.done[request] += 1
        self.longest_seconds = max(self.longest_seconds, seconds)
        if request == "slot.book":
            self.bookings.add(answer["booking"]["id"])

    async def keep_busy(self, ask: Ask) -> None:
        """Send random requests, one after the other, until the shop closes."""
        while not self.is_closing:
            deed = self._dice.choice([self._book, self._hold, self._staff, self._staff])
            await deed(ask)
            await asyncio.sleep(self._pause_seconds)

    async def keep_typing(self) -> None:
        """The same at the command line."""
        while not self.is_closing:
            (slot,) = self.new_slots(1)
            name = await self.at_the_command_line("slot", "open", self._calendar, slot["start"], slot["end"])
            await self.at_the_command_line("slot", *self._dice.choice([("close", name), ("remove", name)]))

    async def _book(self, ask: Ask) -> None:
        answer = await ask("slot.book", {"slot": self._one(), "customer": {"name": "Ada"}})
        if answer and self._dice.random() < 0.7:
            booking = answer["booking"]
            await ask("booking.cancel", {"booking": booking["id"], "token": booking["token"]})

    async def _hold(self, ask: Ask) -> None:
        slot = self._one()
        answer = await ask("slot.hold", {"slot": slot})
        if not answer:
            return
        hold = {"id": answer["hold"]["id"], "token": answer["hold"]["token"]}
        if self._dice.random() < 0.3:
            await ask("hold.extend", {"hold": hold["id"], "token": hold["token"]})
        if self._dice.random() < 0.5:
            await ask("hold.release", {"hold": hold["id"], "token": hold["token"]})
        else:
            await ask("slot.book", {"slot": slot, "hold": hold, "customer": {"name": "Bob", "note": "by hold"}})

    async def _staff(self, ask: Ask) -> None:
        slot = self._one()
        match self._dice.randrange(6):
            case 0 if len(self._slots) < self._most_slots:
                await self.open_slots(ask, 2)
            case 1:
                await ask("slot.close", {"slot": slot})
                await ask("slot.reopen", {"slot": slot})
            case 2:
                await ask("slot.update", {"slot": slot, "data": {"room": self._dice.randrange(9)}})
            case 0 | 3:
                if await ask("slot.remove", {"slot": slot}):
                    self._slots.remove(slot)
            case 4:
                await ask("slot.update", {"slot": slot, "capacity": 3})
            case _:
                await ask("calendar.update", {"id": self._calendar, "name": f"Shop {self._dice.randrange(99)}"})

    def _one(self) -> str:
        return self._dice.choice(self._slots)


def staff_client(server: Place, token: str) -> Client:
    return Client(server.url, token=token, namespace=STAFF)
