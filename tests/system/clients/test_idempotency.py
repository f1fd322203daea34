"""Commands run once, in order, with the change before the answer: a client may repeat any of them."""

import asyncio
from functools import partial
from typing import Any

import pytest

from tests.support import Api, Client, eventually, new_key
from tests.support.example import World
from tests.system.both_transports import code_of, over_http
from tests.system.conftest import Place


def _proof(hold: dict[str, Any]) -> dict[str, Any]:
    return {"hold": hold["id"], "token": hold["token"], "key": new_key()}


@pytest.mark.parametrize("first", ["socket", "http"])
async def test_a_key_is_one_for_both_ways(place: Place, world: World, first: str) -> None:
    """The same key and request, over Socket.IO and then HTTP or the reverse, answers the same, tokens included."""
    async with Api(place.url) as api, Client(place.url) as client:
        viewer = await client.watch(world.calendar)
        for name in ("slot.hold", "hold.extend", "hold.release", "slot.book", "booking.cancel"):
            fields = {**world.request(name), "key": new_key()}
            if name == "slot.book":
                fields["hold"] = None
                fields["slot"] = world.held
            if name == "booking.cancel":
                fields["if_version"] = world.seq
            answers = []
            for way in (first, "http" if first == "socket" else "socket"):
                before = viewer.have
                if way == "socket":
                    answer = await client.ask(name, fields)
                    assert code_of(answer) == "ok", answer
                    answers.append({key: value for key, value in answer.items() if key != "ok"})
                else:
                    done = await over_http(api, name, fields)
                    assert done.code == "ok", done
                    answers.append(done.body)
                moved = 1 if len(answers) == 1 else 0
                seq = (await api.get(f"/api/calendars/{world.calendar}/slots"))["seq"]
                await eventually(partial(viewer.is_at, seq))
                assert viewer.have - before == moved
            assert answers[0] == answers[1], name


async def test_sent_twice_at_once(place: Place, world: World) -> None:
    """Twenty of the same, sent at once over several connections, do one thing and answer one thing."""
    fields = {"slot": world.slot, "customer": {"name": "Ada"}, "key": new_key()}
    async with Client(place.url) as one, Client(place.url, transports=("polling",)) as two, Api(place.url) as api:
        sent = [client.send("slot.book", fields) for client in (one, two) for _ in range(8)]
        over = [over_http(api, "slot.book", fields) for _ in range(4)]
        answers = await asyncio.gather(*sent)
        bodies = [answer.body for answer in await asyncio.gather(*over)]
    bookings = [answer["booking"] for answer in [*answers, *bodies]]
    assert all(booking == bookings[0] for booking in bookings)
    assert bookings[0]["token"]


async def test_requests_of_one_socket_start_in_order(place: Place, world: World) -> None:
    """A hold, its release and a hold again, sent together, are done in that order; a hundred opens too."""
    async with Client(place.url) as client, Client(place.url, token=place.staff) as staff:
        for _ in range(5):
            first, second, _read = await asyncio.gather(
                client.send("slot.hold", {"slot": world.slot, "key": new_key()}),
                client.send("slot.hold", {"slot": world.slot, "key": new_key()}),
                staff.ask("booking.get", booking=world.booking["id"]),
            )
            assert [code_of(first), code_of(second)] == ["ok", "slot_unavailable"]
            released, held = await asyncio.gather(
                client.send("hold.release", _proof(first["hold"])),
                client.send("slot.hold", {"slot": world.slot, "key": new_key()}),
            )
            assert [code_of(released), code_of(held)] == ["ok", "ok"]
            assert code_of(await client.ask("hold.release", _proof(held["hold"]))) == "ok"
        numbers = range(100)
        updates = [staff.send("slot.update", {"slot": world.slot, "data": number}) for number in numbers]
        answers = await asyncio.gather(*updates)
        versions = [answer["slot"]["version"] for answer in answers]
        assert versions == sorted(versions)
        assert [answer["slot"]["data"] for answer in answers] == list(numbers)


async def test_an_answer_leaves_after_its_change(place: Place, world: World) -> None:
    """The change comes before the answer, and the caller's next read has it."""
    async with Client(place.url, token=place.staff) as client, Api(place.url, place.staff) as api:
        viewer = await client.watch(world.calendar)
        for number in range(40):
            fields = {"slot": world.slot, "data": number}
            if number % 2:
                answer = await client.ask("slot.update", fields)
                assert viewer.cursor == answer["cursor"], "the change came before the answer"
            else:
                answer = (await over_http(api, "slot.update", fields)).body
            fresh = await api.get(f"/api/calendars/{world.calendar}/slots")
            assert fresh["cursor"] == answer["cursor"]
            assert answer["slot"] in fresh["slots"]
            changes = await api.get(f"/api/calendars/{world.calendar}/changes?after={answer['cursor']}")
            assert changes["changes"] == []


async def test_a_read_after_the_first_write_has_it(place: Place, api: Api) -> None:
    """This holds also while the room opens."""
    for number in range(10):
        name = f"young-{number}"
        await api.post("/api/calendars", id=name, name="Y", zone="UTC")
        async with Client(place.url, token=place.staff) as client:
            joining = client.send("calendar.subscribe", {"calendar": name})
            answer = await api.ask("PATCH", f"/api/calendars/{name}", {"name": "Older"})
            fresh = await api.get(f"/api/calendars/{name}/slots")
            assert (fresh["cursor"], fresh["info"]["name"]) == (answer.body["cursor"], "Older")
            await joining
