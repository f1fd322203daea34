"""Malformed inputs by chance: values, requests, packets, payloads and frames, each near to a sound one."""

import copy
import json
import random
import struct
from collections.abc import Sequence
from typing import Any

import msgspec

from models.contract.requests import EVERY_REQUEST
from tests.support.clients.raw import frame

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**53, 2**63, 2**64, 10**30, -(10**30), 0.5, 1e308, -0.0, "", " ", "0", "null",
    "a" * 300, "\0", "é", "💈", "\ud800", "\x1e", "'; DROP TABLE slot; --", "../..", "%00", "*", "1.x", "9" * 30 + ".x",
    "2027-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2027-13-01", "UTC", "No/Where",
    "FREQ=DAILY", "FREQ=YEARLY;BYDAY=53MO", "room", "demo", [], {}, [[]], {"": {}}, [None] * 50, ["x"] * 300,
)  # fmt: skip
KINDS = {kind.wire.name: kind for kind in EVERY_REQUEST.values() if kind.wire.name and not kind.wire.is_http_only}
FIELDS = sorted(
    {name for kind in EVERY_REQUEST.values() for name in kind.__struct_fields__}
    | {"from", "principal", "x", "__class__"}
)
HEADS = [0x81, 0x82, 0x01, 0x80, 0x00, 0x88, 0x89, 0x8A, 0xC1, 0xF1, 0x83, 0x8B, 0x09]
NAMESPACES = ["/calendars", "/staff", "/", "/nowhere", "/calendars?x=1", "/" + "n" * 200, "/\u00e9"]


class Inputs:
    """The inputs of one seed."""

    def __init__(self, seed: int) -> None:
        self.pick = random.Random(seed)

    def value(self, depth: int = 0) -> Any:
        pick = self.pick
        kind = pick.random()
        if depth < 3 and kind < 0.1:
            return [self.value(depth + 1) for _ in range(pick.randrange(4))]
        if depth < 3 and kind < 0.25:
            return {pick.choice(FIELDS): self.value(depth + 1) for _ in range(pick.randrange(4))}
        return copy.deepcopy(pick.choice(ODD))

    def fields(self, names: Sequence[str] = FIELDS) -> Any:
        """Return the fields of a request: mostly an object with some of these names."""
        if self.pick.random() < 0.05:
            return self.value()
        fields = {self.pick.choice(names): self.value() for _ in range(self.pick.randrange(6) if names else 0)}
        if self.pick.random() < 0.1:
            fields[self.pick.choice(FIELDS)] = self.value()
        return fields

    def request(self) -> tuple[str, Any]:
        """Return a name and fields: one of the requests, with its own fields or all that it needs."""
        if self.pick.random() < 0.05:
            return str(self.pick.choice(ODD)), self.fields()
        kind = self.pick.choice(list(KINDS.values()))
        names = [field.encode_name for field in msgspec.structs.fields(kind) if field.name not in kind.of_server]
        fields = self.fields(names)
        if isinstance(fields, dict) and self.pick.random() < 0.5:
            needed = [field.encode_name for field in msgspec.structs.fields(kind) if field.required]
            fields |= {name: self.pick.choice(["room", str(self.pick.choice(ODD)), self.value()]) for name in needed}
        return kind.wire.name, fields

    def packet(self) -> str:
        """Return a Socket.IO packet, whole or damaged."""
        pick = self.pick
        name, fields = self.request()
        body = json.dumps([name, fields] if pick.random() < 0.9 else fields)
        namespace = pick.choice(NAMESPACES[:2] if pick.random() < 0.8 else NAMESPACES)
        number = str(pick.choice(["", 0, 1, 7, 10**14, 10**20]))
        attachments = pick.choice(["", "", "", "", "1-", "-", "99-"])
        text = f"{pick.choice('22222222013456')}{attachments}{namespace},{number}{body}"
        return self.damaged(text) if pick.random() < 0.4 else text

    def damaged(self, text: str) -> str:
        """Return the text with a part cut out, doubled, or replaced."""
        pick = self.pick
        a, b = sorted((pick.randrange(len(text) + 1), pick.randrange(len(text) + 1)))
        how = pick.randrange(4)
        if how == 0:
            return text[:a]
        if how == 1:
            return text[:a] + text[b:]
        if how == 2:
            return text[:a] + text[a : a + 20] * pick.randrange(3) + text[b:]
        return text[:a] + str(pick.choice(ODD)) + text[a + 1 :]

    def payload(self) -> bytes:
        """Return the body of a POST of long polling: some Engine.IO packets."""
        pick = self.pick
        packets = [pick.choice("44444440123567b") + self.packet() for _ in range(pick.choice([1, 1, 1, 2, 5, 17]))]
        body = pick.choice(["\x1e", "\x1e", "\x1e", "\n"]).join(packets).encode("utf-8", "surrogatepass")
        return body if pick.random() < 0.9 else body[: pick.randrange(len(body))] + pick.randbytes(3)

    def frames(self) -> bytes:
        """Return WebSocket frames: a packet in one or in parts, with damage to the heads."""
        pick = self.pick
        text = pick.choice(["4", "4", "4", ""]) + self.packet()
        data = text.encode("utf-8", "surrogatepass")[:60_000]
        kind = pick.random()
        if kind < 0.55:
            return frame(data)
        if kind < 0.7:
            cut = pick.randrange(len(data) + 1)
            return frame(data[:cut], 0x01) + frame(data[cut:], pick.choice([0x80, 0x80, 0x00, 0x81]))
        if kind < 0.85:
            return frame(data[:125], pick.choice(HEADS))
        whole = bytearray(frame(data[:200]))
        for _ in range(pick.randrange(1, 4)):
            whole[pick.randrange(min(len(whole), 12))] = pick.randrange(256)
        return bytes(whole)

    def hostile_length(self) -> bytes:
        """Return a head that announces more than may come."""
        size = self.pick.choice([1_000_001, 1 << 31, (1 << 63) - 1, 1 << 63])
        return bytes((0x82, 0xFF)) + struct.pack(">Q", size) + bytes(4)
