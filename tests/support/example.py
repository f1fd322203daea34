"""A calendar with one of each thing, and good fields for every request, made from the request's declaration."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import inspect

from models.contract.commands.holds import HeldSeat
from models.contract.request import Id, Moment
from models.contract.requests import REQUESTS
from tests.support.clients.client import Api, new_key

NOWHERE = "01890000-0000-7000-8000-000000000000"
EMPTY_FILE = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"


def in_days(days: float) -> str:
    """Return a time of the wire, so many days from now, on the second."""
    at = datetime.now(UTC) + timedelta(days=days)
    return at.replace(microsecond=0).isoformat().replace("+00:00", "Z")


@dataclass
class World:
    """A calendar with two free slots, a held one and a booked one.

    It has a private feed, a source of busy times and a block after `add_other_calendars`.
    """

    calendar: str
    token: str = ""
    slot: str = ""
    other: str = ""
    held: str = ""
    booked: str = ""
    hold: dict[str, Any] = field(default_factory=dict)
    booking: dict[str, Any] = field(default_factory=dict)
    seq: int = 0
    feed: str = NOWHERE
    source: str = NOWHERE
    block: str = NOWHERE

    def request(self, name: str) -> dict[str, Any]:
        """Return a value for every field of the request `name`, except `at_least`."""
        return self._values({field: kind for field, (kind, _) in _fields(name).items() if field != "at_least"}, name)

    def shortest(self, name: str) -> dict[str, Any]:
        """Return the request `name` with its required fields, its key and its token only."""
        fields = {
            field: kind
            for field, (kind, is_required) in _fields(name).items()
            if is_required or field in {"key", "token"} or (name, field) == _CUSTOMER
        }
        return self._values(fields, name)

    def _values(self, kinds: dict[str, inspect.Type], name: str) -> dict[str, Any]:
        by_name = self._by_name(kinds, name)
        return {field: self._value(field, kind, by_name) for field, kind in kinds.items()}

    def _by_name(self, kinds: dict[str, inspect.Type], name: str) -> dict[str, Any]:
        """Return the values of the fields with a meaning beyond their types."""
        is_about_hold = isinstance(kinds.get("hold"), inspect.StrType)
        is_about_booking = isinstance(kinds.get("booking"), inspect.StrType)
        proof = self.hold if is_about_hold else self.booking if is_about_booking else {"token": self.token}
        return {
            "id": "new" if name == "calendar.create" else self.calendar,
            "calendar": self.calendar,
            "slot": self.held if isinstance(kinds.get("hold"), inspect.StructType) else self.slot,
            "hold": self.hold.get("id"),
            "booking": self.booking.get("id") if is_about_booking else "anyone",
            "feed": self.feed,
            "block": self.block,
            "kind": "email",
            "value": "blocked@mail.example",
            "expires_at": in_days(50),
            "link": NOWHERE,
            "account": NOWHERE,
            "password": "a password of the tests",
            "new_password": "a password of the tests",
            "roles": {self.calendar: "viewer"},
            "role": "viewer",
            "subject": "a program",
            "lifetime_seconds": 60,
            "disabled": False,
            "source": self.source,
            "url": None,
            "text": EMPTY_FILE,
            "token": NOWHERE if name == "token.revoke" else proof["token"],
            "key": new_key(),
            "after": "0.abc",
            "from": in_days(0),
            "to": in_days(9),
            "start": in_days(50),
            "end": in_days(50.5),
            "name": "New",
            "email": "ada@example.org",
            "phone": "+43 1 2345678",
            "zone": "Europe/Vienna",
            "visibility": "public",
            "policy": {"max_holds": 9},
            "schedule": {
                "windows": [{"days": ["mon"], "start": "09:00", "end": "12:00"}],
                "slot_minutes": 30,
                "from": in_days(1)[:10],
            },
            "if_version": 9,
            "q": "ada",
            "updated_after": in_days(-1),
            "page": _mark("0", NOWHERE) if name == "slot.list" else _mark(NOWHERE),
            **dict.fromkeys(("override", "with_bookings", "duplicates"), False),  # each would pass over refusals
        }

    def _value(self, name: str, kind: inspect.Type, by_name: dict[str, Any]) -> Any:
        kind = _without_none(kind)
        if isinstance(kind, inspect.StructType):
            if kind.cls is HeldSeat:
                return {"id": self.hold["id"], "token": self.hold["token"]}
            return {field.encode_name: self._value(field.encode_name, field.type, by_name) for field in kind.fields}
        if isinstance(kind, inspect.VarTupleType | inspect.ListType):
            if name == "calendars":
                return [self.calendar]
            return [self._value("", kind.item_type, by_name)]
        if name in by_name:
            return by_name[name]
        if kind == _ID:
            return self.other
        return _plain(kind)


_ID = inspect.type_info(Id)
_CUSTOMER = ("booking.cancel_all", "email")  # it needs one of two fields


def _mark(*parts: str) -> str:
    """Return a `page` behind this key."""
    return urlsafe_b64encode(" ".join(parts).encode()).decode().rstrip("=")


def _plain(kind: inspect.Type) -> Any:
    """Return a value of a type without a meaning of its own."""
    match kind:
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.IntType(ge=least):
            return least or 1
        case inspect.BoolType():
            return True
        case inspect.CustomType(cls=cls):
            return in_days(50) if cls is Moment else [1]
        case inspect.DictType():
            return {"a": 1}
        case inspect.StrType():
            return "x"
    raise AssertionError(f"no example of {kind}")


def _fields(name: str) -> dict[str, tuple[inspect.Type, bool]]:
    """Return the type of each field on the wire, and whether the field is required. The key comes last."""
    request = REQUESTS[name]
    info = inspect.type_info(request)
    assert isinstance(info, inspect.StructType)
    return {
        field.encode_name: (_without_none(field.type), field.required)
        for field in sorted(info.fields, key=lambda field: field.name == "key")
        if field.name not in request.of_server
    }


def _without_none(kind: inspect.Type) -> inspect.Type:
    if isinstance(kind, inspect.UnionType):
        return _without_none(next(each for each in kind.types if not isinstance(each, inspect.NoneType)))
    return _without_none(kind.type) if isinstance(kind, inspect.Metadata) else kind


async def make_world(api: Api, calendar: str, token: str = "", **info: Any) -> World:
    """Make a calendar with one of each thing, as staff."""
    await api.post("/api/calendars", id=calendar, name="Room", zone="UTC", **info)
    return await fill(api, calendar, token)


async def fill(api: Api, calendar: str, token: str = "", *, day: int = 1, name: str = "Ada") -> World:
    """Add two free slots, a held one and a booked one from that day on; the customer has this name."""
    places = [{"start": in_days(number), "end": in_days(number + 0.5)} for number in range(day, day + 4)]
    opened = (await api.post(f"/api/calendars/{calendar}/slots", slots=places))["slots"]
    free, held, booked, other = (slot["id"] for slot in opened)
    hold = (await api.post(f"/api/slots/{held}/holds"))["hold"]
    booking = (await api.post(f"/api/slots/{booked}/bookings", customer={"name": name}))["booking"]
    seq = (await api.get(f"/api/calendars/{calendar}/slots"))["seq"]
    return World(calendar, token, free, other, held, booked, hold, booking, seq)


async def add_other_calendars(api: Api, world: World) -> None:
    """Add a private feed, a source of busy times and a block, as staff."""
    at = f"/api/calendars/{world.calendar}"
    world.feed = (await api.post(f"{at}/feeds"))["feed"]["id"]
    block = {"calendar": world.calendar, "kind": "sub", "value": "somebody"}
    world.block = (await api.post("/api/blocks", **block))["block"]["id"]
    world.source = (await api.post(f"{at}/busy", text=EMPTY_FILE))["source"]["id"]
