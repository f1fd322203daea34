"""Subscriptions under writes: the answer and the later changes fit without a seam."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import quote

import aiohttp

from tests.support import STAFF, Api, Client, Node, eventually, is_same, new_key
from tests.support.example import World, in_days
from tests.system.both_transports import code_of
from tests.system.conftest import Place

IN_FLIGHT = 24
JOINERS = 15
NO_CURSORS = (
    "x",
    "1",
    ".ab",
    "1.",
    "-1.ab",
    "-1.",
    "1.5",
    "+1.ab",
    "1" * 70 + ".ab",
    "٣.ab",
    "null",
    "[object Object]",
)
_numbers = count()


def _has_passed(written: Callable[[], int], mark: int) -> bool:
    return written() > mark


async def _copy_at(watcher: Node, seq: int) -> Any:
    """Return the state of the official client, once it is subscribed."""
    watcher.send({"look": True})
    found = await asyncio.to_thread(watcher.read_until, lambda told: told["saw"] == "copy")
    return found if found["have"] == seq else None


async def _open(api: Api, calendar: str, number: int, day: float = 1) -> list[str]:
    """Return that many slots, the first on that day from now."""
    slots = [{"start": in_days(day + place / 50), "end": in_days(day + place / 50 + 0.01)} for place in range(number)]
    opened = await api.post(f"/api/calendars/{calendar}/slots", slots=slots)
    return [slot["id"] for slot in opened["slots"]]


@asynccontextmanager
async def _writing(place: Place, calendar: str, slots: list[str]) -> AsyncIterator[Callable[[], int]]:
    """Change the slots as fast as the server takes it, until the end of the block; yield their count."""
    done = 0
    is_over = False

    async def write(client: Client) -> None:
        nonlocal done
        while not is_over:
            number = next(_numbers)
            fields = {"slot": slots[number % len(slots)], "data": {"number": number}, "key": new_key()}
            assert code_of(await client.ask("slot.update", fields)) == "ok"
            done += 1

    async with Client(place.url, token=place.staff, namespace=STAFF) as staff:
        writers = [asyncio.create_task(write(staff)) for _ in range(IN_FLIGHT)]
        yield lambda: done
        is_over = True
        await asyncio.gather(*writers)


async def test_requests_in_one_segment_are_served_in_order(place: Place, world: World) -> None:
    """A subscription that could be answered at once does not overtake the request before it."""
    namespace = "/calendars,"
    async with aiohttp.ClientSession() as http, Client(place.url) as other:
        assert code_of(await other.ask("calendar.subscribe", {"calendar": world.calendar})) == "ok"
        url = f"{place.url}/socket.io/?EIO=4&transport=websocket"
        async with http.ws_connect(url) as socket:
            await socket.receive_str()
            await socket.send_str(f"40{namespace}")
            await socket.receive_str()
            named = json.dumps({"calendar": world.calendar})
            for number, name in enumerate(("subscribe", "unsubscribe", "subscribe", "unsubscribe", "subscribe")):
                request = f'42{namespace}{number}["calendar.{name}",{named}]'
                await socket._writer.send_frame(request.encode(), aiohttp.WSMsgType.TEXT)
            acknowledged = [(await socket.receive_str()).partition("[")[0] for _ in range(5)]
            assert sorted(acknowledged) == [f"43{namespace}{number}" for number in range(5)]
            await other.ask("slot.hold", {"slot": world.slot, "key": new_key()})
            assert (await socket.receive_str()).startswith(f'42{namespace}["slot.held"')


async def test_a_refusal_at_once_is_the_usual_one(place: Place, world: World) -> None:
    """A calendar that has become private is refused as one that is not in memory."""
    staff = Client(place.url, token=place.staff, namespace=STAFF)
    async with Client(place.url) as watcher, Client(place.url) as guest, staff:
        assert code_of(await watcher.ask("calendar.subscribe", {"calendar": world.calendar})) == "ok"
        private = {"id": world.calendar, "visibility": "private", "key": new_key()}
        assert code_of(await staff.ask("calendar.update", private)) == "ok"
        assert code_of(await guest.ask("calendar.subscribe", {"calendar": world.calendar})) == "unauthorized"
        for strange in (
            {"calendar": 7},
            {"calendar": None},
            {"calendar": "\0"},
            {"calendar": world.calendar, "after": []},
            {"calendar": world.calendar, "from": "soon"},
        ):
            assert code_of(await guest.ask("calendar.subscribe", strange)) in {"bad_request", "unauthorized"}


async def test_many_join_while_a_writer_writes(place: Place, api: Api, world: World) -> None:
    """A subscription at any time and by any way misses, repeats or reorders no change."""
    slots = await _open(api, world.calendar, 20)
    async with AsyncExitStack() as stack:
        async with _writing(place, world.calendar, slots) as written:
            clients = []
            for number in range(JOINERS):
                transport = "polling" if number % 3 == 0 else "websocket"
                client = await stack.enter_async_context(Client(place.url, transports=(transport,)))
                clients.append(client)
                await client.watch(world.calendar)
                if number % 2:
                    before = written()
                    await client.close()
                    await eventually(partial(_has_passed, written, before))
                    await client.connect()
            assert written() > 5 * JOINERS
        fresh = await api.get(f"/api/calendars/{world.calendar}/slots")
        for number, client in enumerate(clients):
            viewer = client.viewers[world.calendar]
            await eventually(partial(viewer.is_at, fresh["seq"]), what="the last change")
            assert viewer.is_whole, viewer.account
            assert (viewer.gaps, viewer.repeats) == (0, 0)
            assert len(viewer.modes) > number % 2
            if number % 3:  # over polling this library breaks off by itself when more than 16 packets come at once
                assert len(viewer.modes) == 1 + number % 2
            assert is_same(viewer.slots, fresh["slots"])


async def test_the_official_client_joins_in_the_middle(
    place: Place, api: Api, world: World, node: Callable[..., Node]
) -> None:
    """The same with the official client, over either transport and through its upgrade."""
    slots = await _open(api, world.calendar, 5)
    watchers = []
    async with _writing(place, world.calendar, slots) as written:
        for transports in (["websocket"], ["polling"], ["polling", "websocket"]):
            watcher = node("watcher.mjs", place.url, world.calendar, json.dumps({"transports": transports}))
            await asyncio.to_thread(watcher.read_until, lambda told: told["saw"] == "subscribed")
            watchers.append(watcher)
        before = written()
        await eventually(lambda: written() > before + 200)
        watchers[0].send({"reconnect": True})
        await asyncio.to_thread(watchers[0].read_until, lambda told: told["saw"] == "subscribed")
    fresh = await api.get(f"/api/calendars/{world.calendar}/slots")
    for watcher in watchers:
        found = await eventually(partial(_copy_at, watcher, fresh["seq"]), what="the last change")
        assert found["gaps"] == 0
        assert found["applied"] == list(range(found["applied"][0], fresh["seq"] + 1))
        assert found["modes"].count("snapshot") == 1
        assert is_same(found["slots"], fresh["slots"])


async def test_a_cursor_of_another_history(place: Place, api: Api, world: World) -> None:
    """A cursor that this calendar never had is answered by a snapshot, never by part of a replay."""
    await api.post("/api/calendars", id=f"{world.calendar}-b", name="B", zone="UTC")
    other = (await api.get(f"/api/calendars/{world.calendar}-b/slots"))["cursor"]
    head = await api.get(f"/api/calendars/{world.calendar}/slots")
    nonce = head["cursor"].split(".")[1]
    async with Client(place.url) as client:
        strangers = ["0.abcdef", f"{head['seq']}.abcdef", f"{head['seq'] + 1}.{nonce}", f"1.{nonce}", other]
        for after in [*strangers, "999999999999999999.ab"]:
            answer = await client.ask("calendar.subscribe", calendar=world.calendar, after=after)
            assert (answer["mode"], answer["seq"]) == ("snapshot", head["seq"]), after
            assert (
                await api.ask("GET", f"/api/calendars/{world.calendar}/changes?after={after}")
            ).code == "cursor_gone"
        for after in ("", *NO_CURSORS):
            answer = await client.ask("calendar.subscribe", calendar=world.calendar, after=after)
            assert (answer["mode"], answer["seq"]) == ("snapshot", head["seq"]), after
        misfits: list[Any] = [5, ["1.ab"], {}]
        for misfit in misfits:
            answer = await client.ask("calendar.subscribe", calendar=world.calendar, after=misfit)
            assert code_of(answer) == "bad_request"


async def test_a_cursor_that_is_none(place: Place, api: Api, world: World) -> None:
    """A client with a damaged cursor gets a fresh start on every stream, not a refusal."""
    path = f"{place.url}/api/calendars/{world.calendar}"
    async with aiohttp.ClientSession() as http:
        for after in NO_CURSORS:
            answer = await api.ask("GET", f"/api/calendars/{world.calendar}/changes?wait=9&after={quote(after)}")
            assert answer.code == "cursor_gone", after
            async with http.get(f"{path}/events", headers={"Last-Event-ID": quote(after)}) as response:
                assert b"event: reset\n" in await response.content.readuntil(b"event: snapshot\n"), after
            async with http.ws_connect(f"{path}/socket", params={"after": after}) as socket:
                assert (await socket.receive_json())["mode"] == "snapshot", after


async def test_a_resumption_has_the_missed_changes(place: Place, api: Api, world: World) -> None:
    """A cursor gets the changes after it and no others, and at the head none at all; also one from long ago."""
    start = await api.get(f"/api/calendars/{world.calendar}/slots")
    slots = await _open(api, world.calendar, 3)
    async with Client(place.url) as client:
        head = await client.ask("calendar.subscribe", calendar=world.calendar)
        answer = await client.ask("calendar.subscribe", calendar=world.calendar, after=head["cursor"])
        assert (answer["mode"], answer["changes"], answer["seq"]) == ("resumed", [], head["seq"])
        assert answer.keys() == {"ok", "mode", "info", "changes", "seq", "cursor", "server_time"}
        (change,) = (await client.ask("calendar.subscribe", calendar=world.calendar, after=start["cursor"]))["changes"]
        assert (change["seq"], change["prev"], change["type"]) == (start["seq"] + 1, start["seq"], "slot.opened")
        assert [slot["id"] for slot in change["slots"]] == slots
        assert change["cursor"] == head["cursor"]


async def test_too_much_to_replay_is_a_snapshot(place: Place, api: Api, world: World, staff: Client) -> None:
    """A thousand changes are replayed, one more is a snapshot."""
    start = await api.get(f"/api/calendars/{world.calendar}/slots")
    first = await staff.ask("slot.update", slot=world.slot, data=0)
    answers = await asyncio.gather(
        *(staff.send("slot.update", {"slot": world.slot, "data": number}) for number in range(1, 1_001))
    )
    assert all(answer["ok"] for answer in answers)
    async with Client(place.url) as client:
        answer = await client.ask("calendar.subscribe", calendar=world.calendar, after=first["cursor"])
        assert (answer["mode"], len(answer["changes"])) == ("resumed", 1_000)
        answer = await client.ask("calendar.subscribe", calendar=world.calendar, after=start["cursor"])
        assert answer["mode"] == "snapshot"


async def test_a_window(place: Place, api: Api, world: World) -> None:
    """`from` and `to` bound the snapshot by the slots that touch them; the default is 62 days from now."""
    calendar = world.calendar
    far = await _open(api, calendar, 1, day=100)
    past = await _open(api, calendar, 1, day=-30)
    near = await _open(api, calendar, 2, day=20)
    async with Client(place.url) as client:

        async def ids(**window: str) -> set[str]:
            answer = await client.ask("calendar.subscribe", calendar=calendar, **window)
            fresh = await api.snapshot(calendar, (answer["from"], answer["to"]))
            assert is_same(fresh["slots"], answer["slots"])
            return {slot["id"] for slot in answer["slots"]}

        usual = await ids()
        assert usual.isdisjoint(far + past)
        assert usual >= set(near)
        assert await ids(**{"from": in_days(99), "to": in_days(101)}) == set(far)
        assert await ids(**{"from": in_days(-31), "to": in_days(-29)}) == set(past)
        begin, middle = in_days(20), in_days(20.015)
        assert await ids(**{"from": begin, "to": middle}) == {near[0]}
        assert await ids(**{"from": in_days(-31)}) >= {*past, *near}
        viewer = await client.watch(calendar, **{"from": in_days(99), "to": in_days(101)})
        await _open(api, calendar, 1, day=40)
        await eventually(lambda: viewer.applied)
        assert [slot["id"] for slot in viewer.slots] == far, "the room carries all, the client drops the rest"


async def test_staff_get_bookings_with_their_changes(place: Place, api: Api, world: World, staff: Client) -> None:
    """Staff's snapshot and changes carry bookings with customers, upserted by version; guests' never."""
    async with Client(place.url) as guest:
        viewer, clerk = await guest.watch(world.calendar), await staff.watch(world.calendar)
        assert clerk.bookings.keys() == {world.booking["id"]}
        customer = {"name": "Zoë Quux", "email": "zoe@example.org", "note": "by the window"}
        answer = await guest.ask("slot.book", slot=world.slot, customer=customer, key=new_key())
        booking = answer["booking"]
        await eventually(lambda: booking["id"] in clerk.bookings)
        assert clerk.bookings[booking["id"]]["customer"] == customer
        version = clerk.bookings[booking["id"]]["version"]
        answer = await guest.ask("booking.cancel", booking=booking["id"], token=booking["token"], key=new_key())
        assert code_of(answer) == "ok"
        await eventually(lambda: clerk.bookings[booking["id"]]["status"] == "cancelled")
        assert clerk.bookings[booking["id"]]["version"] == version + 1
        resumed = await staff.ask("calendar.subscribe", calendar=world.calendar, after=f"{world.seq}.x")
        assert {found["id"] for found in resumed["bookings"]} == clerk.bookings.keys()
        assert viewer.have == clerk.have
        assert viewer.applied == clerk.applied
        heard = json.dumps(guest.heard) + json.dumps(await api.get(f"/api/calendars/{world.calendar}/slots"))
        assert not any(secret in heard for secret in ("Zoë", "Zo\\u00eb", "zoe@", "window", '"bookings'))


async def test_leaving_and_coming_back(place: Place, api: Api, world: World) -> None:
    """After `calendar.unsubscribe` nothing comes; twice in is once in; the last word counts, however fast it comes."""
    async with Client(place.url) as client, Client(place.url) as other:
        await client.watch(world.calendar)
        twice = await client.watch(world.calendar)
        watching = await other.watch(world.calendar)
        await _open(api, world.calendar, 1)
        await eventually(lambda: twice.applied)
        assert code_of(await client.ask("calendar.unsubscribe", calendar=world.calendar)) == "ok"
        assert code_of(await client.ask("calendar.unsubscribe", calendar=world.calendar)) == "ok"
        await _open(api, world.calendar, 1, day=2)
        await eventually(lambda: len(watching.applied) == 2)
        await client.ask("booking.get", booking=world.booking["id"], token=world.booking["token"])  # a later ack
        assert len(client.changes) == 1
        await api.post("/api/calendars", id=f"{world.calendar}-c", name="C", zone="UTC")
        joining = client.send("calendar.subscribe", {"calendar": f"{world.calendar}-c"})
        leaving = client.send("calendar.unsubscribe", {"calendar": f"{world.calendar}-c"})
        await asyncio.gather(joining, leaving)
        watching = await other.watch(f"{world.calendar}-c")
        await _open(api, f"{world.calendar}-c", 1)
        await eventually(lambda: watching.applied)
        await client.ask("booking.get", booking=world.booking["id"], token=world.booking["token"])
        assert len(client.changes) == 1


async def test_most_rooms_of_a_connection(place: Place, api: Api) -> None:
    """One connection subscribes to a hundred calendars and no more."""
    async with Client(place.url) as client:
        for number in range(101):
            await api.post("/api/calendars", id=f"many-{number}", name="M", zone="UTC")
            answer = await client.ask("calendar.subscribe", calendar=f"many-{number}")
            assert code_of(answer) == ("ok" if number < 100 else "bad_request")
        assert code_of(await client.ask("calendar.unsubscribe", calendar="many-0")) == "ok"
        assert code_of(await client.ask("calendar.subscribe", calendar="many-100")) == "ok"
    async with Client(place.url) as client:
        window = {"from": in_days(-9)}  # this takes a while
        asked = [client.send("calendar.subscribe", {"calendar": f"many-{number}", **window}) for number in range(101)]
        codes = [code_of(answer) for answer in await asyncio.gather(*asked)]
        assert codes == ["ok"] * 100 + ["bad_request"]
