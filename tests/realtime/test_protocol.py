"""Requests are decoded straight into commands; a malformed one is refused with the name of its field."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from models.contract.commands.command import Command
from models.contract.commands.slots import NewSlot, OpenSlots, UpdateSlot
from models.contract.errors import BadRequest
from models.contract.principal import Principal
from models.contract.requests import EVERY_REQUEST
from models.contract.values.tokens import Tokens
from models.transaction.idempotency import fingerprint
from realtime import protocol
from tests.support import ROOT

VECTORS = json.loads((ROOT / "tests" / "vectors" / "fingerprints.json").read_text())

SLOT = {"start": "2027-01-31T09:00:00Z", "end": "2027-01-31T09:30:00Z"}


@pytest.mark.parametrize(
    ("name", "fields", "field"),
    [
        ("slot.hold", {"slot": "x", "seats": "two"}, "seats"),
        ("slot.hold", {}, "slot"),
        ("slot.hold", {"slot": "x", "surprise": 1}, "surprise"),
        ("slot.hold", {"slot": "x", "surpr`ise": 1}, "surpr`ise"),
        ("slot.open", {"calendar": "room", "slots": [SLOT, {**SLOT, "start": 9}]}, "slots[1].start"),
        ("slot.open", {"calendar": "room", "slots": [{"start": SLOT["start"]}]}, "slots[0].end"),
        ("slot.open", {"calendar": "room", "slots": []}, "slots"),
        ("slot.book", {"slot": "x", "customer": {"name": "Ada", "shoe": 38}}, "customer.shoe"),
        ("slot.book", {"slot": "x", "customer": "Ada"}, "customer"),
        ("calendar.subscribe", {"calendar": "Not A Slug"}, "calendar"),
        ("calendar.subscribe", {"calendar": "room", "from": 9}, "from"),
        ("calendar.subscribe", {"calendar": "room", "after": 9}, "after"),
        ("calendar.update", {"id": "room", "name": None}, "name"),
        ("ticket", {"calendars": ["room", "Not A Slug"]}, "calendars[1]"),
    ],
)
def test_a_bad_request_names_its_field(name: str, fields: dict[str, Any], field: str) -> None:
    """The field is named, also a missing, an unknown or a deep one."""
    with pytest.raises(BadRequest) as caught:
        protocol.read_request(name, fields)
    assert caught.value.details == {"request": name, "field": field}


@pytest.mark.parametrize(
    ("name", "fields", "field"),
    [
        ("slot.update", {"slot": "x", "start": "tomorrow"}, "start"),
        ("slot.update", {"slot": "x", "end": "0001-01-01T00:00:00+01:00"}, "end"),
        ("slot.open", {"calendar": "room", "slots": [SLOT, {**SLOT, "end": "2027-02-30T09:00:00Z"}]}, "slots[1].end"),
    ],
)
def test_a_malformed_time_names_its_field(name: str, fields: dict[str, Any], field: str) -> None:
    """The message begins with the field, as deep as it stands."""
    with pytest.raises(BadRequest) as caught:
        protocol.read_request(name, fields)
    assert caught.value.details == {"field": field}
    assert caught.value.message.startswith(f"`{field}`: ")


def test_times_and_data_are_decoded_into_the_command() -> None:
    """A time becomes milliseconds, and data becomes its JSON."""
    opened = protocol.read(OpenSlots, {"calendar": "room", "slots": [{**SLOT, "data": {"a": [1, None]}}, SLOT]})
    start, end = 1_801_386_000_000, 1_801_387_800_000
    assert opened.slots == (NewSlot(start=start, end=end, data=b'{"a":[1,null]}'), NewSlot(start=start, end=end))
    assert protocol.read(UpdateSlot, {"slot": "x", "data": None}) == UpdateSlot(slot="x", data=None)


@pytest.mark.parametrize("name", [name for name, kind in EVERY_REQUEST.items() if issubclass(kind, Command)])
@pytest.mark.parametrize("field", ["principal", "received", "asker"])
def test_no_client_sets_its_principal_or_the_time_of_arrival(name: str, field: str) -> None:
    """The fields of a command that the server fills in are unknown fields to a client."""
    for value in ({"subject": "operator", "is_staff": True}, None, 5):
        with pytest.raises(BadRequest) as caught:
            protocol.read_request(name, {field: value})
        assert caught.value.message == f"Object contains unknown field `{field}`"
        assert caught.value.details == {"request": name, "field": field}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["request"])
def test_fingerprints_are_those_of_stored_records(vector: dict[str, Any]) -> None:
    """A retry that arrives after an upgrade is answered: its fingerprint is the one of the release before.

    The vectors were made by the release in which requests and commands were separate classes.
    """
    command = protocol.read_request(vector["request"], vector["fields"])
    assert isinstance(command, Command)
    asked = replace(command, principal=Principal(subject="a"), received=5)
    assert fingerprint(Tokens(b"0" * 32), asked) == vector["fingerprint"]
