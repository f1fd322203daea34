"""Events for many connections, encoded once for each kind of connection.

A *format* is a function from a packet to the bytes of one kind of connection. A new kind of connection adds a
format. `Packet.encoded` calls it once, at the first use.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from realtime.engine.memory_file import MemoryFile


class Event(NamedTuple):
    """One event. `payload` is the JSON of its argument, or of several arguments with commas between.

    `id` serves transports with numbered events (server-sent events). Socket.IO ignores it.
    """

    namespace: str
    name: bytes
    payload: bytes
    id: bytes = b""


class Packet:
    """Events for one write, in order."""

    __slots__ = ("_encodings", "_files", "events")

    def __init__(self, events: Iterable[Event]) -> None:
        self.events = tuple(events)
        self._encodings: dict[Format, bytes] = {}
        self._files: dict[Format, MemoryFile | None] = {}

    @staticmethod
    def join(packets: "Iterable[Packet]") -> "Packet":
        """Return one packet with the events of all."""
        return Packet(event for packet in packets for event in packet.events)

    def encoded(self, form: "Format") -> bytes:
        """Return the bytes in this format. The first call makes them."""
        data = self._encodings.get(form)
        if data is None:
            data = self._encodings[form] = form(self)
        return data

    def memory_file(self, form: "Format") -> MemoryFile | None:
        """Return a file in memory with the bytes in this format, or None where there can be none."""
        if form not in self._files:
            self._files[form] = MemoryFile.of(self.encoded(form))
        return self._files[form]


Format: TypeAlias = Callable[[Packet], bytes]


def no_format(_packet: Packet) -> bytes:
    """Raise TypeError: the owner of the connection has set no format."""
    raise TypeError("this connection has no format for packets")
