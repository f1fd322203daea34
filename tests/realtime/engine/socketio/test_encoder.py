"""The JSON of events and answers: subclasses of its types, values without JSON, and broken text."""

import enum
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from realtime.engine import SocketServer
from tests.realtime.engine.socketio.conftest import received


class Word(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "another"


class Share(float):
    __slots__ = ()


class Count(int):
    pass


class Level(enum.IntEnum):
    HIGH = 3


class Colour(enum.StrEnum):
    RED = "red"


class Point(NamedTuple):
    x: int


ODD = [
    (Word("word"), "word"), (Share(0.5), 0.5), (Count(7), 7), (Level.HIGH, 3), (Colour.RED, "red"), (True, True),
    (OrderedDict(a=Word("b")), {"a": "b"}), ({Word("k"): Share(1.5)}, {"k": 1.5}),
    ([Point(1), {Level.HIGH: 2}], [[1], {"3": 2}]),
    ({None: 1, True: 2, 5: 3}, {"null": 1, "true": 2, "5": 3}), (Word("half \ud800"), "half \ud800"), (2**70, 2**70),
    ([Count(1), [Word("deep"), None]], [1, ["deep", None]]),
]  # fmt: skip


@pytest.mark.parametrize(("value", "arrived"), ODD)
async def test_subclasses_of_jsons_types(
    server: SocketServer, connect: Callable[..., Any], value: object, arrived: object
) -> None:
    """Such values are sent as Python's json writes them, in an event, an answer and a call."""

    @server.on("give")
    async def give(_sid: str) -> list[object]:
        return [value]

    client = await connect()
    await server.emit(Word("event"), {"value": value})
    await received(client, ("event", {"value": arrived}))
    assert await client.call("give") == [arrived]
    client.on("ask", lambda given: given)
    assert await server.call("ask", {"value": value}, to=client.get_sid()) == {"value": arrived}


async def test_a_value_without_json_raises(server: SocketServer, connect: Callable[..., Any]) -> None:
    """The emit raises in its caller."""
    await connect()
    with pytest.raises(TypeError):
        await server.emit("event", object())


async def test_half_a_surrogate_pair_is_sent(server: SocketServer, connect: Callable[..., Any]) -> None:
    """Half of a surrogate pair from a client can be sent on, as data, as a name and as an answer."""

    @server.on("echo")
    async def echo(_sid: str, text: str) -> str:
        return text

    client = await connect()
    await server.emit("\ud800", {"name": "\ud800x"})
    await received(client, ("\ud800", {"name": "\ud800x"}))
    assert await client.call("echo", "\udc00") == "\udc00"
