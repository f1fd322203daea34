"""What the public is sent while everything is asked that can be asked: nothing by which anybody could be found."""

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from models.contract.commands import EVERY_REQUEST, Command
from tests.support import STAFF, Api, Client, Server, eventually, new_key
from tests.system.conftest import QUIET
from tests.system.scenario import in_days

CALENDARS = ("asked", "free")
PERSON = {"name": "Marker-Name", "email": "marker@mail.example", "phone": "+43-555-MARKER", "note": "Marker-Note"}
PATHS = (
    "/api/calendars",
    "/api/calendars/{}",
    "/api/calendars/{}/changes?after={}",
    "/api/calendars/{}/slots",
    "/calendars/{}.ics",
    "/metrics",
)
# What every watcher does, and is no command.
WATCHING = {"calendar.subscribe", "calendar.unsubscribe"}


class Ears:
    """Everything that can be heard of the calendars without a token, as it comes in: texts by where they came from."""

    def __init__(self, url: str) -> None:
        self.heard: defaultdict[str, list[str]] = defaultdict(list)
        self.url = url
        self._cursors: dict[str, str] = {}

    @asynccontextmanager
    async def open(self) -> Any:
        async with aiohttp.ClientSession(self.url) as http:
            ways = (self._events, self._socket, self._socket_io)
            tasks = [asyncio.create_task(way(http, calendar)) for way in ways for calendar in CALENDARS]
            try:
                await eventually(lambda: len(self.heard) == len(tasks), 10, "the first message of each")
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _events(self, http: aiohttp.ClientSession, calendar: str) -> None:
        async with http.get(f"/api/calendars/{calendar}/events", timeout=aiohttp.ClientTimeout()) as response:
            async for some in response.content.iter_any():
                self.heard[f"events of {calendar}"].append(some.decode())

    async def _socket(self, http: aiohttp.ClientSession, calendar: str) -> None:
        async with http.ws_connect(f"/api/calendars/{calendar}/socket") as socket:
            async for message in socket:
                self.heard[f"socket of {calendar}"].append(message.data)

    async def _socket_io(self, http: aiohttp.ClientSession, calendar: str) -> None:
        async with http.ws_connect("/socket.io/?EIO=4&transport=websocket") as socket:
            await socket.send_str("40/calendars,")
            await socket.send_str(f'42/calendars,1["calendar.subscribe",{{"calendar":"{calendar}"}}]')
            async for message in socket:
                self.heard[f"Socket.IO of {calendar}"].append(message.data)
                if message.data == "2":
                    await socket.send_str("3")

    async def look(self, guest: Api, slot: str) -> None:
        """At what is there to be read."""
        for calendar in CALENDARS:
            for path in (*PATHS, f"/api/slots/{slot}/explain"):
                answer = await guest.ask("GET", path.format(calendar, self._cursors.get(calendar, "")))
                self.heard[path].append(answer.raw.decode())
                if path.endswith("/slots"):
                    self._cursors[calendar] = answer.body["cursor"]

    def has_all(self, cursors: dict[str, str]) -> bool:
        """Whether every stream has come to these cursors."""
        streams = [(where, "".join(texts)) for where, texts in self.heard.items() if " of " in where]
        return all(cursors[where.rpartition(" ")[2]] in text for where, text in streams)


class Story:
    """Asks for everything, one after the other, and remembers what must be found nowhere."""

    def __init__(self, guest: Client, staff: Client, look: Any) -> None:
        self.guest, self.staff = guest, staff
        self.secrets = [*PERSON.values(), "Marker"]
        self.asked: set[str] = set()
        self.cursors: dict[str, str] = {}
        self._look = look

    async def ask(self, name: str, /, *, by: Client | None = None, **fields: Any) -> Any:
        key = f"Marker-key-{new_key()}"
        if issubclass(EVERY_REQUEST[name], Command):
            fields["key"] = key
            self.secrets.append(key)
        answer = await (by or self.staff).ask(name, **fields)
        assert answer["ok"], (name, answer)
        self.asked.add(name)
        for thing in (answer, answer.get("hold", {}), answer.get("booking", {})):
            if token := thing.get("token"):
                self.secrets.append(token)
        await self._look()
        return answer

    async def book(self, slot: str, **fields: Any) -> dict[str, str]:
        """A booking, and the proof that it is the guest's."""
        made = (await self.ask("slot.book", by=self.guest, slot=slot, customer=PERSON, **fields))["booking"]
        await self.ask("booking.get", booking=made["id"])
        return {"booking": made["id"], "token": made["token"]}

    async def hold(self, slot: str) -> dict[str, str]:
        hold: dict[str, str] = (await self.ask("slot.hold", by=self.guest, slot=slot))["hold"]
        return hold

    async def miss(self) -> None:
        """Somebody does not come to what begins in a moment, and then comes after all."""
        times = {"start": in_days(5 / 86_400), "end": in_days(1 / 24)}
        opened = await self.ask("slot.open", calendar="free", slots=[times])
        missed = (await self.book(opened["slots"][0]["id"]))["booking"]
        await eventually(lambda: in_days(0) >= times["start"], 10, "the start")
        for name in ("booking.no_show", "booking.reinstate"):
            await self.ask(name, booking=missed)

    async def tell(self, slots: list[str], elsewhere: str) -> None:
        await self.miss()
        hold = await self.hold(slots[0])
        proof = {"id": hold["id"], "token": hold["token"]}
        await self.ask("hold.extend", by=self.guest, hold=hold["id"], token=hold["token"])
        came = await self.book(slots[0], hold=proof)
        await self.ask("booking.get", by=self.guest, **came)
        hold = await self.hold(slots[1])
        await self.ask("hold.release", by=self.guest, hold=hold["id"], token=hold["token"])
        for name in ("booking.confirm", "booking.erase"):
            await self.ask(name, booking=came["booking"])
        await self.ask("booking.reject", booking=(await self.book(slots[1]))["booking"])
        await self.ask("booking.cancel", by=self.guest, **await self.book(slots[1]))
        moved = await self.book(slots[1])
        for slot in (slots[2], elsewhere):
            await self.ask("booking.reschedule", by=self.guest, slot=slot, **moved)
        await self.ask("booking.update", by=self.guest, customer={"note": PERSON["note"]}, **moved)
        await self.ask("booking.list", calendar="free")
        await self.ask("calendar.link", calendar="free")
        await self.ask("slot.update", slot=slots[3], capacity=3)
        for name in ("close", "reopen", "remove"):
            await self.ask(f"slot.{name}", slot=slots[3])
        hours = {"windows": [{"days": ["mon"], "start": "09:00", "end": "12:00"}], "slot_minutes": 60}
        schedule = hours | {"from": in_days(1)[:10], "horizon_days": 14}
        for is_preview in (True, False):
            await self.ask("schedule.set", calendar="asked", schedule=schedule, preview=is_preview)
        await self.ask("calendar.create", id="over", name="Over", zone="UTC")
        await self.ask("calendar.archive", id="over")
        await self.ask("calendar.restore", id="over")
        for calendar in CALENDARS:
            answer = await self.ask("calendar.update", id=calendar, policy={"max_holds": 9})
            self.cursors[calendar] = answer["cursor"]


async def test_the_public_hears_of_nobody(tmp_path: Path) -> None:
    """While every command runs, no name, mail, phone, note, token or key is in any frame, body, feed, metric or log."""
    with Server(tmp_path, *QUIET, "--log-level", "debug") as server:
        token = server.command("token", "--scope", "staff").strip()
        ears = Ears(server.url)
        async with Api(server.url, token) as api, Api(server.url) as guest:
            slots: dict[str, list[str]] = {}
            for calendar, confirmation in zip(CALENDARS, ("staff", "none"), strict=True):
                await api.post(
                    "/api/calendars", id=calendar, name="Room", zone="UTC", policy={"confirmation": confirmation}
                )
            async with (
                ears.open(),
                Client(server.url) as client,
                Client(server.url, token=token, namespace=STAFF) as staff,
            ):
                story = Story(client, staff, lambda: ears.look(guest, slots.get("free", ["none"])[0]))
                for calendar in CALENDARS:
                    places = [{"start": in_days(place), "end": in_days(place + 0.5)} for place in range(1, 6)]
                    opened = await story.ask("slot.open", calendar=calendar, slots=places)
                    slots[calendar] = [slot["id"] for slot in opened["slots"]]
                await story.tell(slots["asked"], slots["free"][0])
                await story.ask("auth.refresh", token=token)
                await eventually(lambda: ears.has_all(story.cursors), 10, "the last change")
            assert story.asked == EVERY_REQUEST.keys() - WATCHING
        heard = ears.heard | {"log": [server.log.split("\n\n", 2)[-1]]}  # after the links, which are for its operator
    assert "slot.book" in heard["/metrics"][-1]
    assert any('"slot.rescheduled"' in text for text in heard["/api/calendars/{}/changes?after={}"])
    for where, texts in heard.items():
        text = "".join(texts)
        assert text, where
        for secret in [*story.secrets, token]:
            assert secret not in text, (where, secret, text[max(0, text.find(secret) - 200) :][:400])
