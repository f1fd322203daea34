"""/asyncapi.json is valid, and describes each channel."""

import json

from jsonschema import Draft7Validator

from realtime.describe.asyncapi import asyncapi
from realtime.describe.openapi import openapi
from tests.support.node import NODE_FOLDER


def test_the_asyncapi_document_is_valid() -> None:
    """/asyncapi.json is valid AsyncAPI 3.0, by its official schema."""
    schema = json.loads((NODE_FOLDER / "node_modules/@asyncapi/specs/schemas/3.0.0.json").read_text())
    faults = [fault.message for fault in Draft7Validator(schema).iter_errors(asyncapi())]
    assert faults == []


def test_each_channel_names_its_server_and_its_query() -> None:
    """Server-sent events are HTTP and not WebSocket; both streams describe resumption and authentication."""
    document = asyncapi()
    protocols = {
        name: [document["servers"][server["$ref"].rpartition("/")[2]]["protocol"] for server in channel["servers"]]
        for name, channel in document["channels"].items()
    }
    sockets = {name: ["ws"] for name in ("calendars", "staff", "socket", "any-socket")}
    assert protocols == sockets | {"events": ["http"], "many-events": ["http"]}
    described = {
        channel: document["channels"][channel]["bindings"]["ws"]["query"] for channel in ("socket", "any-socket")
    } | {
        channel: document["operations"][f"{channel}.changes"]["bindings"]["http"]["query"]
        for channel in ("events", "many-events")
    }
    paths = openapi()["paths"]
    for channel, query in described.items():
        operation = paths[document["channels"][channel]["address"]]["get"]
        taken = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}
        following = set() if channel == "any-socket" else {"after", "at_least", "from", "to"}
        many = {"calendars"} if channel == "many-events" else set()
        assert query["properties"].keys() == taken == {"ticket", "beat"} | following | many
        shown = [scheme["$ref"] for scheme in document["operations"][f"{channel}.changes"]["security"]]
        assert shown == ["#/components/securitySchemes/token", "#/components/securitySchemes/ticket"]
