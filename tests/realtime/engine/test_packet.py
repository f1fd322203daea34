"""What leaves: encoded once a format, and written once a connection."""

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


class Ear(ConnectionWriter):
    """An open connection that keeps each write apart."""

    def __init__(self, form: Format) -> None:
        super().__init__(Limits(), Counters(), "")
        self.format = form
        self.is_open = True
        self.writes: list[bytes] = []

    def put(self, data: bytes) -> None:
        self.writes.append(data)


def _packets(number: int) -> list[Packet]:
    return [Packet([Event("/", b'"change"', b"%d" % place)]) for place in range(number)]


@pytest.mark.parametrize("is_mixed", [False, True])
def test_one_encoding_a_format(*, is_mixed: bool) -> None:
    """However many connections a packet goes to, in however many slices, it is encoded once for each kind of them."""
    made: list[str] = []

    def one(packet: Packet) -> bytes:
        made.append("one")
        return socketio_frames(packet)

    def other(packet: Packet) -> bytes:
        made.append("other")
        return socketio_text(packet)

    ears = [Ear(other if is_mixed and place % 2 else one) for place in range(100)]
    (packet,) = _packets(1)
    for place in range(0, 100, 10):
        write_all(ears[place : place + 10], packet)
    ears[0].write(packet)
    assert sorted(made) == (["one", "other"] if is_mixed else ["one"])
    assert all(ear.writes for ear in ears)


@pytest.mark.parametrize("form", [socketio_frames, socketio_text])
def test_one_write_for_many_events(form: Format) -> None:
    """Packets that are joined go out in one write, which says what they say one after the other."""
    ear = Ear(form)
    write_all([ear], Packet.join(_packets(20)))
    (written,) = ear.writes
    parts = [form(packet) for packet in _packets(20)]
    assert written == (b"" if form is socketio_frames else b"\x1e").join(parts)
