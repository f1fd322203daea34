"""The public gets no personal data, on any transport, whatever requests run."""

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from models.contract.commands.command import Command
from models.contract.requests import EVERY_REQUEST
from tests.support import STAFF, Api, Client, Server, eventually, new_key
from tests.support.example import EMPTY_FILE, fill, in_days
from tests.system.conftest import QUIET

# Confirmation by staff, at once, and for the requests outside of the story.
CALENDARS = {"asked": "staff", "free": "none", "rest": "none"}
DATA = {"Marker-field": "Marker-data"}
PERSON = {"name": "Marker-Name", "email": "marker@mail.example", "phone": "+43-555-0199277", "note": "Marker-Note"}
PATHS = (
    "/api/calendars",
    "/api/calendars/{}",
    "/api/calendars/{}/changes?after={}",
    "/api/calendars/{}/slots",
    "/calendars/{}.ics",
    "/metrics",
)


class PublicOutput:
    """All messages and bodies that a client without a token gets, by their source."""

    def __init__(self, url: str) -> None:
        self.texts: defaultdict[str, list[str]] = defaultdict(list)
        self.url = url
        self._cursors: dict[str, str] = {}

    @asynccontextmanager
    async def open(self) -> Any:
        async with aiohttp.ClientSession(self.url) as http:
            ways = (self._events, self._socket, self._socket_io)
            tasks = [asyncio.create_task(way(http, calendar)) for way in ways for calendar in CALENDARS]
            try:
                await eventually(lambda: len(self.texts) == len(tasks), what="the first message of each")
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _events(self, http: aiohttp.ClientSession, calendar: str) -> None:
        async with http.get(f"/api/calendars/{calendar}/events", timeout=aiohttp.ClientTimeout()) as response:
            async for some in response.content.iter_any():
                self.texts[f"events of {calendar}"].append(some.decode())

    async def _socket(self, http: aiohttp.ClientSession, calendar: str) -> None:
        async with http.ws_connect(f"/api/calendars/{calendar}/socket") as socket:
            async for message in socket:
                self.texts[f"socket of {calendar}"].append(message.data)

    async def _socket_io(self, http: aiohttp.ClientSession, calendar: str) -> None:
        async with http.ws_connect("/socket.io/?EIO=4&transport=websocket") as socket:
            await socket.send_str("40/calendars,")
            await socket.send_str(f'42/calendars,1["calendar.subscribe",{{"calendar":"{calendar}"}}]')
            async for message in socket:
                self.texts[f"Socket.IO of {calendar}"].append(message.data)
                if message.data == "2":
                    await socket.send_str("3")

    async def read(self, guest: Api, slot: str) -> None:
        """Read every public path."""
        for calendar in CALENDARS:
            for path in (*PATHS, f"/api/slots/{slot}/explain"):
                answer = await guest.ask("GET", path.format(calendar, self._cursors.get(calendar, "")))
                self.texts[path].append(answer.raw.decode())
                if path.endswith("/slots"):
                    self._cursors[calendar] = answer.body["cursor"]

    def has_all(self, cursors: dict[str, str]) -> bool:
        """Return whether every stream has reached these cursors."""
        streams = [(source, "".join(texts)) for source, texts in self.texts.items() if " of " in source]
        return all(cursors[source.rpartition(" ")[2]] in text for source, text in streams)


class Story:
    """Sends every request, one after the other, and keeps all secrets."""

    def __init__(self, guest: Client, staff: Client, read: Any) -> None:
        self.guest, self.staff = guest, staff
        self.secrets = [*PERSON.values(), "Marker"]
        self.asked: set[str] = set()
        self.cursors: dict[str, str] = {}
        self._read = read

    async def ask(self, name: str, /, *, by: Client | None = None, **fields: Any) -> Any:
        key = f"Marker-key-{new_key()}"
        if issubclass(EVERY_REQUEST[name], Command):
            fields["key"] = key
            self.secrets.append(key)
        answer = await (by or self.staff).ask(name, **fields)
        assert answer["ok"], (name, answer)
        self.asked.add(name)
        for thing in (answer, *(answer.get(name, {}) for name in ("hold", "booking", "feed"))):
            if token := thing.get("token"):
                self.secrets.append(token)
        await self._read()
        return answer

    async def book(self, slot: str, **fields: Any) -> dict[str, str]:
        """Book as the guest; return the booking's id and token."""
        made = (await self.ask("slot.book", by=self.guest, slot=slot, customer=PERSON, data=DATA, **fields))["booking"]
        await self.ask("booking.get", booking=made["id"])
        return {"booking": made["id"], "token": made["token"]}

    async def hold(self, slot: str) -> dict[str, str]:
        hold: dict[str, str] = (await self.ask("slot.hold", by=self.guest, slot=slot))["hold"]
        return hold

    async def miss(self) -> None:
        """Mark a customer as absent from a slot that begins in a moment, and take that back."""
        times = {"start": in_days(5 / 86_400), "end": in_days(1 / 24)}
        opened = await self.ask("slot.open", calendar="free", slots=[times])
        missed = (await self.book(opened["slots"][0]["id"]))["booking"]
        await eventually(lambda: in_days(0) >= times["start"], what="the start")
        for name in ("booking.no_show", "booking.reinstate"):
            await self.ask(name, booking=missed)

    async def other_calendars(self) -> None:
        """Make and end a private feed with the bookings, and the busy times of a person."""
        name = PERSON["name"]
        feed = (await self.ask("feed.create", calendar="free", name=name, scope="bookings"))["feed"]
        await self.ask("feed.revoke", feed=feed["id"])
        text = EMPTY_FILE.replace("VERSION", f"X-WR-CALNAME:{name}\r\nVERSION")
        source = (await self.ask("busy.add", calendar="free", name=name, text=text))["source"]
        await self.ask("busy.remove", source=source["id"])

    async def block(self) -> None:
        """Block the customer and take that back."""
        fields: dict[str, Any] = {
            "calendar": "free",
            "kind": "email",
            "value": PERSON["email"],
            "reason": PERSON["note"],
        }
        blocked = (await self.ask("block.add", **fields))["block"]
        assert [one["value"] for one in (await self.ask("block.list"))["blocks"]] == [PERSON["email"]]
        await self.ask("block.remove", block=blocked["id"])

    async def run(self, slots: list[str], elsewhere: str) -> None:
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
        await self.ask("slot.update", slot=slots[3], capacity=3)
        for name in ("close", "reopen", "remove"):
            await self.ask(f"slot.{name}", slot=slots[3])
        hours = {"windows": [{"days": ["mon"], "start": "09:00", "end": "12:00"}], "slot_minutes": 60}
        schedule = hours | {"from": in_days(1)[:10], "horizon_days": 14}
        for is_preview in (True, False):
            await self.ask("schedule.set", calendar="asked", schedule=schedule, preview=is_preview)
        await self.other_calendars()
        await self.ask("calendar.create", id="over", name="Over", zone="UTC")
        await self.ask("calendar.archive", id="over")
        await self.ask("calendar.restore", id="over")
        await self.ask("server.read")
        await self.ask("customer.export", email=PERSON["email"])
        await self.ask("booking.cancel_all", email="nobody@mail.example")
        await self.block()
        for calendar in ("asked", "free"):
            answer = await self.ask("calendar.update", id=calendar, policy={"max_holds": 9})
            self.cursors[calendar] = answer["cursor"]

    async def ask_the_rest(self, api: Api, token: str) -> None:
        """Send the requests outside of the story with their shortest fields, each about new slots."""
        for number, name in enumerate(name for name in EVERY_REQUEST if name not in self.asked):
            world = await fill(api, "rest", token, day=1 + 4 * number, name=PERSON["name"])
            self.secrets += [world.hold["token"], world.booking["token"]]
            fields = {field: value for field, value in world.shortest(name).items() if field != "key"}
            await self.ask(name, by=self.staff if EVERY_REQUEST[name].wire.is_for_staff else self.guest, **fields)
        self.cursors["rest"] = (await self.ask("calendar.update", id="rest", policy={"max_holds": 9}))["cursor"]


async def test_the_public_gets_no_personal_data(tmp_path: Path) -> None:
    """While every command runs, no name, mail, phone, note, token or key is in any frame, body, feed, metric or log."""
    with Server(tmp_path, *QUIET, "--log-level", "debug") as server:
        token = server.command("token", "--scope", "owner").strip()
        output = PublicOutput(server.url)
        async with Api(server.url, token) as api, Api(server.url) as guest:
            slots: dict[str, list[str]] = {}
            for calendar, confirmation in CALENDARS.items():
                policy = {"confirmation": confirmation, "max_holds": 100}
                await api.post("/api/calendars", id=calendar, name="Room", zone="UTC", policy=policy)
            async with (
                output.open(),
                Client(server.url) as client,
                Client(server.url, token=token, namespace=STAFF) as staff,
            ):
                story = Story(client, staff, lambda: output.read(guest, slots.get("free", ["none"])[0]))
                for calendar in ("asked", "free"):
                    places = [{"start": in_days(place), "end": in_days(place + 0.5)} for place in range(1, 6)]
                    opened = await story.ask("slot.open", calendar=calendar, slots=places)
                    slots[calendar] = [slot["id"] for slot in opened["slots"]]
                await story.run(slots["asked"], slots["free"][0])
                await story.ask_the_rest(api, token)
                await eventually(lambda: output.has_all(story.cursors), what="the last change")
            told = [await api.get(f"/api/calendars/{calendar}/history?limit=200") for calendar in CALENDARS]
        # After the links for the operator; and what staff see without the customers.
        found = output.texts | {"log": [server.log.split("\n\n", 2)[-1]], "history": [str(told)]}
    assert "slot.book" in found["/metrics"][-1]
    assert any('"slot.rescheduled"' in text for text in found["/api/calendars/{}/changes?after={}"])
    for source, texts in found.items():
        text = "".join(texts)
        assert text, source
        for secret in [*story.secrets, token]:
            assert secret not in text, (source, secret, text[max(0, text.find(secret) - 200) :][:400])
