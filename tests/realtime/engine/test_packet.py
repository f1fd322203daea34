"""Packets are encoded once per format and written once per connection."""

import pytest

from realtime.engine import (
    ConnectionWriter,
    Counters,
    Event,
    Format,
    Limits,
    Packet,
    socketio_frames,
    socketio_text,
    write_all,
)


class Receiver(ConnectionWriter):
    """An open connection that keeps each write apart."""

    def __init__(self, form: Format) -> None:
        super().__init__(Limits(), Counters(), "")
        self.format = form
        self.is_open = True
        self.writes: list[bytes] = []

    def put(self, data: bytes) -> None:
        self.writes.append(data)


def _packets(number: int) -> list[Packet]:
    return [Packet([Event("/", b'"change"', b"%d" % number)]) for number in range(number)]


@pytest.mark.parametrize("is_mixed", [False, True])
def test_one_encoding_a_format(*, is_mixed: bool) -> None:
    """A packet is encoded once per format, for any number of connections and slices."""
    made: list[str] = []

    def one(packet: Packet) -> bytes:
        made.append("one")
        return socketio_frames(packet)

    def other(packet: Packet) -> bytes:
        made.append("other")
        return socketio_text(packet)

    receivers = [Receiver(other if is_mixed and number % 2 else one) for number in range(100)]
    (packet,) = _packets(1)
    for number in range(0, 100, 10):
        write_all(receivers[number : number + 10], packet)
    receivers[0].write(packet)
    assert sorted(made) == (["one", "other"] if is_mixed else ["one"])
    assert all(receiver.writes for receiver in receivers)


@pytest.mark.parametrize("form", [socketio_frames, socketio_text])
def test_one_write_for_many_events(form: Format) -> None:
    """Joined packets go out in one write with the same bytes as one after the other."""
    receiver = Receiver(form)
    write_all([receiver], Packet.join(_packets(20)))
    (written,) = receiver.writes
    parts = [form(packet) for packet in _packets(20)]
    assert written == (b"" if form is socketio_frames else b"\x1e").join(parts)
