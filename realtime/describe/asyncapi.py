"""The messages of Socket.IO and of the streams in AsyncAPI 3.0, made from the declarations of the requests.

The document describes the server: it receives requests and sends changes.
"""

from __future__ import annotations

from msgspec import Struct

from models.contract.answers import Snapshot
from models.contract.changes import Change, Type
from models.contract.requests import EVERY_REQUEST, PUBLIC_REQUESTS
from realtime import answers
from realtime.describe.openapi import QUERY
from realtime.describe.operations import TICKET
from realtime.describe.schemas import REFERENCE, Schema, components, reference
from realtime.http.routes import READS
from realtime.rooms.subscriber import Audience

_WHAT = {
    "calendars": "The Socket.IO namespace for everyone. The CONNECT payload is `{token?}`.",
    "staff": "The Socket.IO namespace for tokens with the scope `staff`: changes come with their bookings.",
    "socket": "A plain WebSocket: the first message is the subscribe answer, each other one a change or an answer. "
    "It takes the messages of `any-socket` too.",
    "any-socket": "A plain WebSocket for any number of calendars, also at `/`: each message is answered.",
    "events": "Server-sent events: `id:` is the cursor, `data:` the change; `snapshot` and `reset` have names.",
    "many-events": "Server-sent events of many calendars: an event without data has the cursors of all as `id:`.",
}
_ADDRESSES = {
    "socket": "/api/calendars/{id}/socket",
    "any-socket": "/api/socket",
    "events": "/api/calendars/{id}/events",
    "many-events": "/api/events",
}
_HTTP = ("events", "many-events")
_SUBSCRIBED = "calendar.subscribe.answer"
_SECURITY: Schema = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "In the header, or as `token` in Socket.IO's CONNECT payload. Public calendars need none.",
    },
    "ticket": {"type": "httpApiKey", "in": "query", "name": "ticket", "description": TICKET},
}


def asyncapi() -> Schema:
    """Return the whole document."""
    requests = {"calendars": tuple(PUBLIC_REQUESTS), "staff": tuple(EVERY_REQUEST)}
    messages = _requests() | _changes("", Change) | _changes("staff.", answers.StaffChange) | _stream_messages()
    operations: Schema = {}
    channels: Schema = {}
    for channel, names in requests.items():
        audience = "" if channel == "calendars" else "staff."
        told = [*names, *[f"{name}.answer" for name in names], "refused", *[f"{audience}{kind}" for kind in Type]]
        channels[channel] = _channel(channel, told, Audience(f"/{channel}").value)
        for name in names:
            operations[f"{channel}.{name}"] = _request(channel, name)
        operations[f"{channel}.changes"] = _send(channel, [f"{audience}{kind}" for kind in Type], "token")
    first = {"events": ["snapshot", "reset"], "many-events": ["snapshot", "reset", "refused-calendar"]}
    for channel, address in _ADDRESSES.items():
        told = [*first.get(channel, [_SUBSCRIBED]), *Type]
        operations[f"{channel}.changes"] = _send(channel, told, "token", "ticket")
        if channel == "any-socket":
            told += ["message", "answer"]
            operations["any-socket.message"] = _asked(channel)
        channels[channel] = _channel(channel, told, address)
        query = _query(next(read.query for read in READS if read.path == address))
        if channel in _HTTP:
            http = {"method": "GET", "query": query, "bindingVersion": "0.3.0"}
            operations[f"{channel}.changes"]["bindings"] = {"http": http}
        else:
            channels[channel]["bindings"] = {"ws": {"method": "GET", "query": query, "bindingVersion": "0.1.0"}}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Slotcast",
            "version": "1",
            "description": "Every request has one object as its argument and is acknowledged with one object. "
            "Changes are events named by their type.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "slotcast": _server("ws", "Socket.IO v5 at /socket.io/, and plain WebSockets."),
            "slotcast-events": _server("http", "Server-sent events."),
        },
        "channels": channels,
        "operations": operations,
        "components": {"schemas": components(), "messages": messages, "securitySchemes": _SECURITY},
    }


def _server(protocol: str, what: str) -> Schema:
    variables = {"host": {"default": "localhost:8080"}}
    return {"host": "{host}", "protocol": protocol, "description": what, "variables": variables}


def _query(names: tuple[str, ...]) -> Schema:
    properties = {name: {**QUERY[name][0], "description": QUERY[name][1]} for name in names}
    return {"type": "object", "properties": properties}


def _channel(name: str, messages: list[str], address: str) -> Schema:
    channel: Schema = {
        "address": address,
        "description": _WHAT[name],
        "servers": [{"$ref": f"#/servers/{'slotcast-events' if name in _HTTP else 'slotcast'}"}],
        "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in messages},
    }
    if "{id}" in address:
        channel["parameters"] = {"id": {"description": "The calendar's id."}}
    return channel


def _request(channel: str, name: str) -> Schema:
    here = f"#/channels/{channel}"
    return {
        "action": "receive",
        "summary": EVERY_REQUEST[name].wire.summary,
        "channel": {"$ref": here},
        "security": _security("token"),
        "messages": [{"$ref": f"{here}/messages/{name}"}],
        "reply": {
            "channel": {"$ref": here},
            "messages": [{"$ref": f"{here}/messages/{name}.answer"}, {"$ref": f"{here}/messages/refused"}],
        },
    }


def _asked(channel: str) -> Schema:
    here = f"#/channels/{channel}"
    return {
        "action": "receive",
        "summary": "Any request, or a short form of a subscription.",
        "channel": {"$ref": here},
        "messages": [{"$ref": f"{here}/messages/message"}],
        "reply": {"channel": {"$ref": here}, "messages": [{"$ref": f"{here}/messages/answer"}]},
    }


def _security(*schemes: str) -> list[Schema]:
    """Return these schemes; any one of them is enough."""
    return [{"$ref": f"#/components/securitySchemes/{scheme}"} for scheme in schemes]


def _send(channel: str, messages: list[str], *schemes: str) -> Schema:
    here = f"#/channels/{channel}"
    return {
        "action": "send",
        "summary": "Every change, as soon as it is committed.",
        "channel": {"$ref": here},
        "security": _security(*schemes),
        "messages": [{"$ref": f"{here}/messages/{name}"} for name in messages],
    }


def _requests() -> Schema:
    """Return each request, its ack, and the ack of a refusal."""
    messages: Schema = {"refused": _message("refused", "The refusal of a request.", _refused())}
    for name, kind in EVERY_REQUEST.items():
        messages[name] = _message(name, kind.wire.summary, reference(kind))
        messages[f"{name}.answer"] = _message(name, f"The ack of `{name}`.", _acknowledged(kind.wire.answers))
    return messages


def _acknowledged(shapes: tuple[type[Struct], ...]) -> Schema:
    done = {"type": "object", "properties": {"ok": {"const": True}}, "required": ["ok"]}
    return {"allOf": [done, reference(*shapes)]}


def _refused() -> Schema:
    properties = {"ok": {"const": False}, "error": {"$ref": f"{REFERENCE}Error"}}
    return {"type": "object", "properties": properties, "required": ["ok", "error"]}


def _changes(prefix: str, shape: type[Struct]) -> Schema:
    return {
        f"{prefix}{kind}": _message(
            str(kind),
            f"The change `{kind}`.",
            {"allOf": [reference(shape), {"properties": {"type": {"const": str(kind)}}}]},
        )
        for kind in Type
    }


def _stream_messages() -> Schema:
    gone = {"type": "object", "properties": {"code": {"const": "cursor_gone"}}, "required": ["code"]}
    mark: Schema = {"id": {"type": ["string", "integer"]}}
    asked = {"request": {"enum": list(EVERY_REQUEST)}, "fields": {"type": "object"}, "staff": {"type": "boolean"}}
    short = {
        name: {"type": "string"} for name in ("subscribe", "unsubscribe", "token", "after", "at_least", "from", "to")
    }
    error: Schema = {"$ref": f"{REFERENCE}Error"}
    refused = {"calendar": {"type": "string"}, "error": error}
    return {
        "message": _message(
            "message", "A message of a client.", {"type": "object", "properties": mark | asked | short}
        ),
        "answer": _message(
            "answer",
            "The answer to a message, with its `id`, and with the ack of its request.",
            {"type": "object", "properties": mark | {"ok": {"type": "boolean"}, "error": error}, "required": ["ok"]},
        ),
        "refused-calendar": _message(
            "refused", "The refusal of one of the calendars.", {"type": "object", "properties": refused}
        ),
        "snapshot": _message("snapshot", "The start of a stream.", reference(Snapshot)),
        "reset": _message("reset", "The cursor is gone: a snapshot follows.", gone),
    }


def _message(name: str, summary: str, payload: Schema) -> Schema:
    return {"name": name, "summary": summary, "payload": payload}
