"""The same request over Socket.IO and over HTTP, as both ask it of the same book."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from realtime.http.routes import COMMANDS, READS
from tests.support import Answer, Api, Client, new_key
from tests.system.scenario import in_days

# Each request's route, and the field that its path holds.
ROUTES: dict[str, tuple[str, str, str]] = {
    **{
        read.request.wire.name: (read.method, read.path.replace("{id}", "{}"), read.subject)
        for read in READS
        if read.request is not None and not read.request.wire.is_http_only
    },
    **{route.command.wire.name: (route.method, route.path.replace("{id}", "{}"), route.subject) for route in COMMANDS},
}
SOCKET_ONLY = {"calendar.unsubscribe", "auth.refresh"}
CODES = {
    "bad_request": 400, "unauthorized": 401, "forbidden": 403, "hold_not_yours": 403, "not_found": 404,
    "slot_unavailable": 409, "capacity_exceeded": 409, "invalid_transition": 409, "limit_exceeded": 409,
    "already_exists": 409, "cursor_gone": 410, "hold_expired": 410, "version_conflict": 412, "too_soon": 422,
    "too_far": 422, "outside_cancellation_window": 422, "policy_refused": 422, "idempotency_mismatch": 422,
    "rate_limited": 429, "internal": 500, "overloaded": 503,
}  # fmt: skip


@dataclass
class World:
    """A calendar with something of everything in it: a free slot, a held one, a booked one."""

    calendar: str
    token: str = ""
    slot: str = ""
    held: str = ""
    booked: str = ""
    hold: dict[str, Any] = field(default_factory=dict)
    booking: dict[str, Any] = field(default_factory=dict)
    seq: int = 0

    def request(self, name: str) -> dict[str, Any]:
        """Fields with which the request `name` is a good one."""
        customer = {"name": "Ada", "email": "ada@example.org", "phone": "1", "note": "n"}
        place = {"start": in_days(50), "end": in_days(50.5)}
        fields: dict[str, dict[str, Any]] = {
            "calendar.subscribe": {"calendar": self.calendar, "from": in_days(0), "to": in_days(9), "after": "0.abc"},
            "calendar.unsubscribe": {"calendar": self.calendar},
            "auth.refresh": {"token": self.token},
            "calendar.create": {
                "id": "new", "name": "New", "zone": "Europe/Vienna", "visibility": "public", "booking": "anyone",
                "policy": {"hold_seconds": 60}, "key": new_key(),
            },
            "calendar.update": {
                "id": self.calendar, "name": "New", "zone": "UTC", "visibility": "public", "booking": "anyone",
                "policy": {"max_holds": 9}, "key": new_key(),
            },
            "calendar.archive": {"id": self.calendar, "key": new_key()},
            "calendar.restore": {"id": self.calendar, "key": new_key()},
            "calendar.link": {"calendar": self.calendar, "lifetime_seconds": 3_600},
            "schedule.set": {
                "calendar": self.calendar, "preview": True, "key": new_key(),
                "schedule": {
                    "windows": [{"days": ["mon"], "start": "09:00", "end": "12:00"}], "slot_minutes": 30,
                    "from": in_days(1)[:10],
                },
            },
            "slot.open": {
                "calendar": self.calendar, "slots": [{**place, "capacity": 2, "data": {"a": 1}}], "key": new_key(),
            },
            "slot.update": {"slot": self.slot, "capacity": 3, "data": [1], **place, "if_version": 9, "key": new_key()},
            "slot.close": {"slot": self.slot, "if_version": 9, "key": new_key()},
            "slot.reopen": {"slot": self.slot, "if_version": 9, "key": new_key()},
            "slot.remove": {"slot": self.slot, "if_version": 9, "key": new_key()},
            "slot.hold": {"slot": self.slot, "seats": 1, "key": new_key()},
            "hold.extend": {"hold": self.hold["id"], "token": self.hold["token"], "key": new_key()},
            "hold.release": {"hold": self.hold["id"], "token": self.hold["token"], "key": new_key()},
            "slot.book": {
                "slot": self.held, "hold": {"id": self.hold["id"], "token": self.hold["token"]}, "seats": 1,
                "if_still_free": True, "customer": customer, "key": new_key(),
            },
            "booking.get": {"booking": self.booking["id"], "token": self.booking["token"]},
            "booking.cancel": {"booking": self.booking["id"], "token": self.booking["token"], "key": new_key()},
            "booking.reschedule": {
                "booking": self.booking["id"], "token": self.booking["token"], "slot": self.slot, "key": new_key(),
            },
            "booking.update": {
                "booking": self.booking["id"], "token": self.booking["token"], "customer": {"note": "late"},
                "key": new_key(),
            },
            "booking.list": {"calendar": self.calendar, "from": in_days(0), "to": in_days(9)},
            **{
                name: {"booking": self.booking["id"], "key": new_key()}
                for name in (
                    "booking.confirm", "booking.reject", "booking.no_show", "booking.reinstate", "booking.erase",
                )
            },
        }  # fmt: skip
        return fields[name]


async def make_world(api: Api, calendar: str, token: str = "", **info: Any) -> World:
    """Makes one, as staff."""
    await api.post("/api/calendars", id=calendar, name="Room", zone="UTC", **info)
    places = [{"start": in_days(number), "end": in_days(number + 0.5)} for number in (1, 2, 3)]
    opened = (await api.post(f"/api/calendars/{calendar}/slots", slots=places))["slots"]
    free, held, booked = (slot["id"] for slot in opened)
    hold = (await api.post(f"/api/slots/{held}/holds"))["hold"]
    booking = (await api.post(f"/api/slots/{booked}/bookings", customer={"name": "Ada"}))["booking"]
    seq = (await api.get(f"/api/calendars/{calendar}/slots"))["seq"]
    return World(calendar, token, free, held, booked, hold, booking, seq)


async def over_http(api: Api, name: str, fields: dict[str, Any]) -> Answer:
    """The request by its route: what belongs in the path, the query or a header goes there."""
    method, path, subject = ROUTES[name]
    rest = dict(fields)
    if subject:
        path = path.format(quote(rest.pop(subject).encode(errors="surrogatepass"), safe=""))
    if method != "GET":
        return await api.ask(method, path, raw=json.dumps(rest).encode())
    headers = {"Booking-Token": rest.pop("token")} if "token" in rest else {}
    rest.pop("after", None)  # only who stays has a use for it
    query = urlencode({name: value for name, value in rest.items() if value is not None})
    return await api.ask(method, f"{path}?{query}" if query else path, headers=headers)


def fits_http(name: str, field_name: str, value: Any) -> bool:
    """Whether the route can carry this value of this field at all: paths, queries and headers are text."""
    if name in SOCKET_ONLY or field_name == "after":
        return False
    method, _, subject = ROUTES[name]
    if subject == field_name:
        return isinstance(value, str) and value != "" and value.isprintable()
    if method == "GET":
        return isinstance(value, str) and value.isprintable()
    return True


async def over_socket(client: Client, name: str, fields: Any) -> str:
    """The ack's code, "ok" for one that is done; every ack has the shape that the wire says."""
    return code_of(await client.ask(name, fields))


def code_of(answer: Any) -> str:
    assert isinstance(answer, dict), answer
    if answer["ok"] is True:
        return "ok"
    assert answer.keys() == {"ok", "error"}
    error = answer["error"]
    assert {"code", "message", "retryable"} <= error.keys() <= {"code", "message", "retryable", "details"}
    assert error["code"] in CODES
    assert isinstance(error["message"], str)
    assert error["message"]
    return str(error["code"])


async def number_of(api: Api, metric: str) -> float:
    """What /metrics says of the metric whose line begins so; 0 where there is none."""
    lines = (await api.ask("GET", "/metrics")).raw.decode().splitlines()
    return float(next((line.rpartition(" ")[2] for line in lines if line.startswith(metric)), 0))
