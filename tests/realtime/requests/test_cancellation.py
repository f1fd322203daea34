"""`booking.cancel_all`: over both transports, in the calendars of the token, with a change for those who watch."""

from __future__ import annotations

from tests.support import STAFF, Api, Client, Server, eventually
from tests.support.example import in_days


async def _booked(api: Api, guest: Api, calendar: str, count: int) -> None:
    """Make a calendar with so many bookings of one guest."""
    await api.post("/api/calendars", id=calendar, name="Room", zone="UTC")
    slots = [{"start": in_days(day + 1), "end": in_days(day + 1.5)} for day in range(count)]
    for slot in (await api.post(f"/api/calendars/{calendar}/slots", slots=slots))["slots"]:
        customer = {"name": "Mallory", "email": f"{slot['id'][-6:]}@spam.example"}
        await guest.post(f"/api/slots/{slot['id']}/bookings", customer=customer)


async def test_a_flood_of_one_address_is_undone(api: Api, served: Server) -> None:
    """200 bookings of one guest go by one request, and everyone who watches sees the slots free again."""
    async with Api(served.url) as guest, Client(served.url) as watcher:
        await _booked(api, guest, "flood", 200)
        viewer = await watcher.watch("flood", **{"from": in_days(0), "to": in_days(300)})
        fields = {"address": "127.0.0.1", "calendar": "flood"}
        answer = await api.ask("POST", "/api/bookings/cancel", fields)
        assert (answer.status, answer.body) == (200, {"cancelled": 200, "calendars": 1})
        await eventually(lambda: all(slot["bookable"] for slot in viewer.slots))
        assert "spam.example" not in served.log


async def test_only_staff_of_the_calendar_cancel(api: Api, served: Server) -> None:
    """Other calendars' bookings stay; a guest and a viewer are refused, and a customer is named in one way."""
    async with Api(served.url) as guest:
        for name in ("mine", "theirs"):
            await _booked(api, guest, name, 1)
        token = served.command("token", "--scope", "staff", "--calendars", "mine").strip()
        async with Client(served.url, token=token, namespace=STAFF) as client:
            assert (await client.ask("booking.cancel_all", address="127.0.0.1"))["cancelled"] == 1
            refused = await client.ask("booking.cancel_all", address="127.0.0.1", calendar="theirs")
            assert refused["error"]["code"] == "forbidden"
            for fields in ({}, {"email": "a@x.org", "address": "127.0.0.1"}, {"address": "no"}, {"email": " "}):
                assert (await client.ask("booking.cancel_all", **fields))["error"]["code"] == "bad_request"
        answer = await guest.ask("POST", "/api/bookings/cancel", {"address": "127.0.0.1"})
        assert answer.status == 401
        (theirs,) = (await api.get("/api/calendars/theirs/bookings"))["bookings"]
        assert theirs["status"] == "confirmed"
