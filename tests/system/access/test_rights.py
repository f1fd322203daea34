"""Rights: tokens of others, private calendars, tickets, and the answer for each."""

from collections.abc import Iterator
from typing import Any

import aiohttp
import jwt
import pytest

from models.contract.requests import PUBLIC_REQUESTS, STAFF_REQUESTS
from tests.support import GUESTS, STAFF, Api, Client, new_key
from tests.support.example import World, add_other_calendars, in_days, make_world
from tests.support.route import SOCKET_ONLY
from tests.system.both_transports import code_of, over_http, over_socket
from tests.system.conftest import HANDSHAKE, Place
from tests.system.known_secret import ALL, serve, sign

STREAMS: dict[str, dict[str, str]] = {
    "/api/calendars/ticketed/changes": {},
    "/api/calendars/ticketed/events": {},
    "/api/calendars/ticketed/socket": HANDSHAKE,
    "/calendars/ticketed.ics": {},
}
OPEN_TO_ALL = sorted(PUBLIC_REQUESTS.keys() - SOCKET_ONLY)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run a server whose secret the tests know."""
    yield from serve(tmp_path_factory.mktemp("rights"))


def _scope(token: str) -> str:
    """The scope that a token claims."""
    return str(jwt.decode(token, options={"verify_signature": False}).get("scope", "")) if token else ""


async def test_staff_requests_are_refused_to_others(place: Place, world: World, api: Api) -> None:
    """Staff requests want the scope and the calendar: unauthorized without a token, forbidden with another's."""
    await add_other_calendars(api, world)
    others = {
        "": "unauthorized",
        sign(calendars="*"): "forbidden",
        sign(scope="staff", calendars=["elsewhere"]): "forbidden",
        sign(scope="staffing", calendars="*"): "forbidden",
        sign(scope="staff"): "forbidden",
    }
    for token, code in others.items():
        async with Api(place.url, token) as other, Client(place.url, token=token) as client:
            for name in STAFF_REQUESTS:
                fields = world.request(name)
                said = await over_socket(client, name, fields), (await over_http(other, name, fields)).code
                assert said == (code, code), (name, token)
    async with Api(place.url) as guest:
        assert (await guest.get(f"/api/calendars/{world.calendar}/slots"))["seq"] == world.seq


async def test_staff_of_one_calendar(place: Place, api: Api) -> None:
    """A staff token acts on its own calendars, also from `/calendars`, and on no other."""
    mine, other = await make_world(api, "mine"), await make_world(api, "other")
    token = sign(scope="staff", calendars=["mine"])
    async with Client(place.url, token=token, namespace=STAFF) as staff, Client(place.url, token=token) as client:
        for principal in (staff, client):
            assert await over_socket(principal, "booking.list", {"calendar": "mine"}) == "ok"
            assert await over_socket(principal, "booking.list", {"calendar": "other"}) == "forbidden"
            assert await over_socket(principal, "slot.close", {"slot": mine.slot}) == "ok"
            assert await over_socket(principal, "slot.close", {"slot": other.slot}) == "forbidden"
            assert await over_socket(principal, "booking.get", {"booking": mine.booking["id"]}) == "ok"
            assert await over_socket(principal, "booking.get", {"booking": other.booking["id"]}) == "forbidden"
        assert await over_socket(staff, "calendar.subscribe", {"calendar": "mine"}) == "ok"
        assert await over_socket(staff, "calendar.subscribe", {"calendar": "other"}) == "forbidden"


async def test_staff_of_no_calendar(place: Place, world: World) -> None:
    """A staff token without calendars searches and erases in none; one for others finds nothing of this one."""
    customer = {"email": "ada@example.org"}
    for calendars, code in (([], "forbidden"), (["elsewhere"], "ok")):
        token = sign(scope="staff", calendars=calendars)
        async with Api(place.url, token) as api, Client(place.url, token=token) as client:
            answer = await api.ask("GET", "/api/bookings")
            assert answer.code == code
            assert world.booking["id"] not in answer.raw.decode()
            assert await over_socket(client, "booking.list", {}) == code
            assert await over_socket(client, "customer.erase", customer) == code
            assert (await api.ask("POST", "/api/customers/erase", customer)).code == code


async def test_a_private_calendar(place: Place, api: Api) -> None:
    """Guests see and take nothing of it: unauthorized without a token, forbidden with another's, ok with its own."""
    world = await make_world(api, "private", place.staff, visibility="private")
    principals = {
        "": "unauthorized",
        sign(calendars=["elsewhere"]): "forbidden",
        sign(): "forbidden",
    }
    for token, code in principals.items():
        async with Api(place.url, token) as principal, Client(place.url, token=token) as client:
            for name in OPEN_TO_ALL:
                fields = {**world.request(name), **({"hold": None} if name == "slot.book" else {})}
                if "token" in fields:  # a proof of its own
                    continue
                said = await over_socket(client, name, fields), (await over_http(principal, name, fields)).code
                assert said == (code, code), (name, token)
            for path in ("", "/slots", "/changes", "/events"):
                assert (await principal.ask("GET", f"/api/calendars/private{path}")).code == code, path
            assert (await principal.ask("GET", "/calendars/private.ics")).code == code
            assert (await principal.ask("GET", "/api/calendars/private/socket", headers=HANDSHAKE)).code == code
            listed = (await principal.get("/api/calendars"))["calendars"]
            assert "private" not in {info["id"] for info in listed}
    token = sign(calendars=["private"])
    async with Api(place.url, token) as principal, Client(place.url, token=token) as client:
        assert "private" in {info["id"] for info in (await principal.get("/api/calendars"))["calendars"]}
        assert await over_socket(client, "calendar.subscribe", {"calendar": "private"}) == "ok"
        assert await over_socket(client, "slot.hold", world.request("slot.hold")) == "ok"
        assert await over_socket(client, "slot.close", {"slot": world.slot}) == "forbidden"


ABOUT_A_CALENDAR: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("GET", "/api/calendars/{}", {}), ("GET", "/api/calendars/{}/slots", {}), ("GET", "/api/calendars/{}/changes", {}),
    ("GET", "/api/calendars/{}/events", {}), ("GET", "/api/calendars/{}/socket", HANDSHAKE),
    ("GET", "/calendars/{}.ics", {}), ("GET", "/api/calendars/{}/schedule", {}),
    ("GET", "/api/calendars/{}/bookings", {}), ("POST", "/api/calendars/{}/links", {}),
    ("POST", "/api/calendars/{}/slots", {"slots": [{"start": in_days(1), "end": in_days(2)}]}),
    ("PATCH", "/api/calendars/{}", {"name": "N"}), ("DELETE", "/api/calendars/{}", {}),
    ("PUT", "/api/calendars/{}/schedule", {"schedule": {"windows": [], "slot_minutes": 30, "from": "2027-01-01"}}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("", "unauthorized"),
        (sign(calendars=["elsewhere"]), "forbidden"),
        (sign(**{**ALL, "calendars": ["x"]}), "forbidden"),
    ],
)
async def test_an_unknown_calendar_answers_as_a_private_one(place: Place, api: Api, token: str, code: str) -> None:
    """Whoever may see neither is told the same of both, on every route and in every namespace."""
    await api.ask("POST", "/api/calendars", {"id": "hidden", "name": "H", "zone": "UTC", "visibility": "private"})
    namespace = STAFF if "forbidden" in code and _scope(token) else GUESTS
    async with Api(place.url, token) as principal, Client(place.url, token=token, namespace=namespace) as client:
        for method, path, fields in ABOUT_A_CALENDAR:
            headers, body = (fields, None) if method == "GET" else ({}, fields)
            key = "" if method == "GET" or path.endswith("/links") else new_key()
            told = [
                await principal.ask(method, path.format(name), body, key=key, headers=headers)
                for name in ("hidden", "nowhere-at-all")
            ]
            assert told[0].code == code, (method, path)
            assert (told[0].status, told[0].body) == (told[1].status, told[1].body), (method, path)
        for name in ("calendar.subscribe", "booking.list", "calendar.link", "slot.open", "calendar.archive"):
            subject = "id" if name == "calendar.archive" else "calendar"
            more = (
                {"key": new_key(), "slots": [{"start": in_days(1), "end": in_days(2)}]} if name == "slot.open" else {}
            )
            said = [
                (await client.ask(name, **{subject: calendar}, **more))["error"]
                for calendar in ("hidden", "nowhere-at-all")
            ]
            assert said[0] == said[1], name
            assert said[0]["code"] == code


async def test_whose_token_names_an_unknown_calendar_is_told_so(api: Api, place: Place) -> None:
    """Staff of all calendars, and a guest whose token names it, get a not_found."""
    for token in (place.staff, sign(calendars=["nowhere-at-all"])):
        async with Api(place.url, token) as principal:
            assert (await principal.ask("GET", "/api/calendars/nowhere-at-all/slots")).code == "not_found"


async def test_without_credentials_a_booking_is_unauthorized(place: Place, api: Api, guest: Api) -> None:
    """A wrong token is forbidden; none at all is unauthorized, over both transports."""
    world = await make_world(api, "bare", place.staff)
    for name, more in (("booking.get", {}), ("booking.cancel", {}), ("booking.reschedule", {"slot": world.slot})):
        fields = {"booking": world.booking["id"], **more} | ({"key": new_key()} if name != "booking.get" else {})
        assert (await over_http(guest, name, fields)).code == "unauthorized", name
        assert (await over_http(guest, name, fields | {"token": "wrong"})).code == "forbidden", name
        async with Client(place.url) as client:
            assert await over_socket(client, name, fields) == "unauthorized"
            assert await over_socket(client, name, fields | {"token": "wrong"}) == "forbidden"


@pytest.mark.parametrize("namespace", [GUESTS, STAFF])
async def test_a_token_that_changes_during_a_subscription(namespace: str, place: Place, api: Api) -> None:
    """After `auth.refresh` no request under way subscribes to a calendar outside of the new token."""
    calendars = [f"lost{namespace.replace('/', '-')}-{number}" for number in range(8)]
    for calendar in calendars:
        visibility = "public" if namespace == STAFF else "private"
        await api.post("/api/calendars", id=calendar, name="L", zone="UTC", visibility=visibility)
    scope = {"scope": "staff"} if namespace == STAFF else {}
    other = sign(**scope, calendars=["elsewhere"])
    async with Client(place.url, token=sign(**scope, calendars="*"), namespace=namespace) as client:
        asked = [
            client.send("calendar.subscribe", {"calendar": calendar, "from": in_days(-9)}) for calendar in calendars
        ]
        assert await over_socket(client, "auth.refresh", {"token": other}) == "ok"
        assert {code_of(await answer) for answer in asked} <= {"ok", "forbidden"}
        for calendar in calendars:
            await api.post(f"/api/calendars/{calendar}/slots", slots=[{"start": in_days(1), "end": in_days(2)}])
        assert await over_socket(client, "calendar.unsubscribe", {"calendar": "elsewhere"}) == "ok"  # a later ack
        assert client.changes == []


async def test_booking_by_token_only(place: Place, api: Api) -> None:
    """With `booking: "token"` everyone reads, and only tokens that name the calendar book."""
    world = await make_world(api, "members", place.staff, booking="token")
    for token, code in (("", "unauthorized"), (sign(), "forbidden"), (sign(calendars=["members"]), "ok")):
        async with Api(place.url, token) as principal, Client(place.url, token=token) as client:
            assert await over_socket(client, "calendar.subscribe", {"calendar": "members"}) == "ok"
            fields = world.request("slot.hold")
            assert (await over_http(principal, "slot.hold", fields)).code == code
            fields = world.request("slot.hold") if code != "ok" else fields
            assert await over_socket(client, "slot.hold", fields) == code


async def test_a_ticket(place: Place, api: Api, guest: Api) -> None:
    """A ticket opens the streams of its calendars, once each; it allows no more than its caller's token."""
    await api.post("/api/calendars", id="ticketed", name="T", zone="UTC", visibility="private")
    await api.post("/api/calendars", id="not-ticketed", name="N", zone="UTC")  # public, and yet not the ticket's
    body = {"calendars": ["ticketed"]}
    assert (await guest.ask("POST", "/api/tickets", body)).code == "unauthorized"
    async with Api(place.url, sign(calendars=["elsewhere"])) as other:
        assert (await other.ask("POST", "/api/tickets", body)).code == "forbidden"
    async with Api(place.url, sign(calendars=["ticketed"])) as subscriber:
        for path, headers in STREAMS.items():
            ticket = (await subscriber.ask("POST", "/api/tickets", body)).body["ticket"]
            async with aiohttp.ClientSession() as http:
                for status in (101 if headers else 200, 401):
                    async with http.get(f"{place.url}{path}?ticket={ticket}", headers=headers) as answer:
                        assert answer.status == status, path
            assert (await guest.ask("GET", f"{path}?ticket=%ED%A0%80", headers=headers)).code == "unauthorized"
            ticket = (await subscriber.ask("POST", "/api/tickets", body)).body["ticket"]
            elsewhere = path.replace("ticketed", "not-ticketed")
            assert (await guest.ask("GET", f"{elsewhere}?ticket={ticket}", headers=headers)).code == "forbidden"


async def test_a_ticket_opens_nothing_else(place: Place, api: Api, guest: Api) -> None:
    """A ticket is no token: with it one gets no other ticket, takes nothing and reads nothing at rest."""
    world = await make_world(api, "tickets-only", place.staff, visibility="private")
    async with Api(place.url, sign(calendars=["tickets-only"])) as subscriber:
        ticket = (await subscriber.ask("POST", "/api/tickets", {"calendars": ["tickets-only"]})).body["ticket"]
    shown = f"?ticket={ticket}"
    for method, path, fields in (
        ("POST", "/api/tickets", {"calendars": ["tickets-only"]}),
        ("POST", f"/api/slots/{world.slot}/holds", {}),
        ("GET", "/api/calendars/tickets-only/slots", None),
        ("GET", "/api/calendars/tickets-only", None),
    ):
        answer = await guest.ask(method, path + shown, fields)
        assert (answer.code, answer.body["details"]) == ("bad_request", {"field": "ticket"}), path
    assert (await guest.ask("GET", f"/api/calendars/tickets-only/changes{shown}")).code == "ok", "it was not used up"
