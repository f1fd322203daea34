"""What is said of a request that can't be read."""

from typing import Any

import pytest

from models.contract.errors import BadRequest
from realtime import protocol

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
    """Also the one that is missing or unknown, and however deep it stands."""
    with pytest.raises(BadRequest) as caught:
        protocol.read_request(name, fields)
    assert caught.value.details == {"request": name, "field": field}
