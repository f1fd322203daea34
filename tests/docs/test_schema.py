"""The server's descriptions of itself are valid, and leave nothing out."""

import json
from pathlib import Path
from typing import Any

from aiohttp import web
from jsonschema import Draft7Validator
from openapi_spec_validator import validate

from cli.serve import compose
from cli.settings import Settings
from models.contract import commands
from models.contract.commands import REQUESTS, Command, HoldCommand, StaffOnBooking
from models.contract.request import declared as declared_in
from models.transaction.handlers import HANDLERS
from realtime.describe.asyncapi import asyncapi
from realtime.describe.openapi import openapi
from realtime.http.routes import COMMANDS
from tests.support.node import NODE_FOLDER

ABSTRACT = {Command, HoldCommand, StaffOnBooking}
_PAGES = {"/", "/c/{calendar}", "/staff"}


def test_the_openapi_document_is_valid() -> None:
    """/openapi.json is valid OpenAPI 3.1."""
    validate(openapi())


def test_the_asyncapi_document_is_valid() -> None:
    """/asyncapi.json is valid AsyncAPI 3.0, by its official schema."""
    schema = json.loads((NODE_FOLDER / "node_modules/@asyncapi/specs/schemas/3.0.0.json").read_text())
    faults = [fault.message for fault in Draft7Validator(schema).iter_errors(asyncapi())]
    assert faults == []


def test_every_pointer_leads_somewhere() -> None:
    """A `$ref` in either document names an existing part."""
    for document in (openapi(), asyncapi()):
        for pointer in _pointers(document):
            found: Any = document
            for step in pointer.removeprefix("#/").split("/"):
                found = found[step]


def _pointers(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(_pointers, part.values()))
    return set().union(*map(_pointers, part)) if isinstance(part, list) else set()


def test_each_channel_names_its_server_and_what_it_takes() -> None:
    """Server-sent events are HTTP and not WebSocket; both streams describe resumption and authentication."""
    document = asyncapi()
    protocols = {
        name: [document["servers"][server["$ref"].rpartition("/")[2]]["protocol"] for server in channel["servers"]]
        for name, channel in document["channels"].items()
    }
    assert protocols == {"calendars": ["ws"], "staff": ["ws"], "socket": ["ws"], "events": ["http"]}
    described = {
        "socket": document["channels"]["socket"]["bindings"]["ws"]["query"],
        "events": document["operations"]["events.changes"]["bindings"]["http"]["query"],
    }
    paths = openapi()["paths"]
    for channel, query in described.items():
        operation = paths[f"/api/calendars/{{id}}/{channel}"]["get"]
        taken = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}
        own = {"beat"} if channel == "events" else set()
        assert query["properties"].keys() == taken == {"after", "at_least", "from", "to", "ticket"} | own
        shown = [scheme["$ref"] for scheme in document["operations"][f"{channel}.changes"]["security"]]
        assert shown == ["#/components/securitySchemes/token", "#/components/securitySchemes/ticket"]


def test_what_http_adds_is_described() -> None:
    """A route with an ETag takes it back, and a route with a body has a 413."""
    for path, item in openapi()["paths"].items():
        for method, operation in item.items():
            headers = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "header"}
            tagged = ["ETag" in answer.get("headers", {}) for answer in operation["responses"].values()]
            assert any(tagged) == ("If-None-Match" in headers), (method, path)
            assert ("413" in operation["responses"]) == ("requestBody" in operation), (method, path)


async def test_every_route_is_described(tmp_path: Path) -> None:
    """The routes of the application and those of /openapi.json are the same, but for pages and Socket.IO."""
    settings = Settings(secret=b"0" * 32, database=f"sqlite:///{tmp_path / 'slotcast.db'}")
    service = settings.service()
    service.open()
    try:
        served = _served(await compose(settings, service=service, web_folder=tmp_path / "dist"))
    finally:
        service.close()
    described = {(method.upper(), path) for path, item in openapi()["paths"].items() for method in item}
    assert served == described


def _served(app: web.Application) -> set[tuple[str, str]]:
    routes = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    return {
        (method, path)
        for method, path in routes
        if method not in {"HEAD", "*", "OPTIONS"} and path not in _PAGES and not path.startswith("/socket.io")
    }


def test_every_request_is_declared_whole() -> None:
    """Each request has a sentence and an answer, and no two have the same name."""
    declared = [kind.wire for kind in REQUESTS.values()]
    assert all(wire.summary.endswith(".") and wire.answers for wire in declared)
    assert len(declared) == len(declared_in(vars(commands)))


def test_every_command_has_one_handler_and_one_route() -> None:
    """A command of the wire has a row in the table of routes, and every command has a handler."""
    kinds = [kind for kind in vars(commands).values() if isinstance(kind, type) and issubclass(kind, Command)]
    assert {kind for kind in kinds if kind not in ABSTRACT} == HANDLERS.keys()
    assert sorted(route.command.wire.name for route in COMMANDS) == sorted(
        kind.wire.name for kind in kinds if kind.wire.name
    )
