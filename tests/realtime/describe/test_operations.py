"""The operations of /openapi.json: their names, tags, rights and examples."""

import pytest

from realtime import protocol
from realtime.describe.openapi import openapi
from realtime.describe.operations import TAGS, example_of
from realtime.http.read_route import ReadRoute
from realtime.http.routes import COMMANDS, READS, CommandRoute

_OPERATIONS = [operation for item in openapi()["paths"].values() for operation in item.values()]


def test_each_operation_has_a_name_and_a_tag() -> None:
    """A name is said once, and begins with the tag of the operation."""
    names = [operation["operationId"] for operation in _OPERATIONS]
    assert len(set(names)) == len(names)
    assert {tag for operation in _OPERATIONS for tag in operation["tags"]} == TAGS.keys()
    assert all(operation["operationId"].startswith(f"{operation['tags'][0]}.") for operation in _OPERATIONS)


@pytest.mark.parametrize(
    ("name", "schemes"),
    [
        ("slot.book", [{}, {"token": []}]),
        ("slot.open", [{"token": []}]),
        ("booking.search", [{"token": []}]),
        ("booking.get", [{"bookingToken": []}, {"token": []}]),
        ("stream.events", [{}, {"token": []}, {"ticket": []}]),
        ("server.healthz", [{}]),
    ],
)
def test_each_operation_names_its_rights(name: str, schemes: list[dict[str, list[str]]]) -> None:
    """Each operation names the schemes of which one is enough."""
    found = [operation["security"] for operation in _OPERATIONS if operation["operationId"] == name]
    assert found == [schemes]


@pytest.mark.parametrize("route", [route for route in COMMANDS if example_of(route.command.wire.name)])
def test_an_example_is_a_good_request(route: CommandRoute) -> None:
    """An example with the id of its path is read without a fault."""
    fields = {"key": "k" * 22, **example_of(route.command.wire.name)["example"]}
    if route.subject:
        fields[route.subject] = "room-1"
    protocol.read(route.command, fields)


@pytest.mark.parametrize("read", [read for read in READS if read.takes_body])
def test_an_example_of_a_read_is_a_good_request(read: ReadRoute) -> None:
    """The same holds for a body that changes nothing in a calendar."""
    assert read.request is not None
    fields = dict(example_of(read.request.wire.name).get("example", {}))
    if read.subject:
        fields[read.subject] = "room-1"
    if fields:
        protocol.read(read.request, fields)
