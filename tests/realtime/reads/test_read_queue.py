"""The queue of one lane: clients take turns, have one heavy read running, and rest after a long one."""

import pytest

from realtime.reads.read_queue import (
    LONG_SECONDS,
    LONGEST_REST_SECONDS,
    Lane,
    Peer,
    Read,
    ReadQueue,
    current_peer,
    reading_for,
)


def _queue(lane: Lane, *clients: str) -> ReadQueue:
    queue = ReadQueue(lane)
    for number, client in enumerate(clients):
        queue.add(client, Read(lambda: None, lane, number))
    return queue


def _run(queue: ReadQueue) -> list[tuple[str, object]]:
    """Run one read after the other, to the end of the queue."""
    order = []
    while (read := queue.next()) is not None:
        queue.begin(read.client)
        order.append((read.client, read.key))
        queue.end(read.client, 0)
    return order


@pytest.mark.parametrize("lane", [Lane.LIGHT, Lane.HEAVY])
def test_clients_take_turns_in_a_lane(lane: Lane) -> None:
    """A client's own reads keep their order."""
    queue = _queue(lane, "a", "a", "a", "b", "c", "b")
    assert _run(queue) == [("a", 0), ("b", 3), ("c", 4), ("a", 1), ("b", 5), ("a", 2)]
    assert queue.length == 0


def test_a_client_has_one_heavy_read_running() -> None:
    """A client's next heavy read waits, while another client's runs; light reads have no such bound."""
    for lane, second in ((Lane.HEAVY, "b"), (Lane.LIGHT, "a")):
        queue = _queue(lane, "a", "a", "b")
        first = queue.next()
        assert first is not None
        queue.running["a"] += 1
        found = queue.next()
        assert found is not None
        assert found.client == second


@pytest.mark.parametrize(
    ("lane", "seconds", "rest"),
    [
        (Lane.HEAVY, LONG_SECONDS, 3 * LONG_SECONDS),
        (Lane.STAFF, 15, LONGEST_REST_SECONDS),
        (Lane.HEAVY, LONG_SECONDS / 2, 0),
        (Lane.LIGHT, 15, 0),
    ],
)
def test_a_client_rests_after_a_long_read(lane: Lane, seconds: float, rest: float) -> None:
    """Other clients go on meanwhile. A light read, or a short one, asks for no rest."""
    queue = _queue(lane, "a", "a", "b")
    first = queue.next()
    assert first is not None
    queue.begin("a")
    assert queue.end("a", seconds) == rest
    assert _run(queue) == ([("b", 2)] if rest else [("b", 2), ("a", 1)])
    queue.wake("a")
    assert _run(queue) == ([("a", 1)] if rest else [])


def test_sifted_reads_do_not_run() -> None:
    """A read that is dropped counts no more, and the others keep their order."""
    queue = _queue(Lane.HEAVY, "a", "a", "b")
    queue.sift(lambda _queue, _client, read: read.key != 0)
    assert (queue.length, queue.length_of("a")) == (2, 1)
    assert _run(queue) == [("a", 1), ("b", 2)]


def test_a_block_reads_for_its_peer() -> None:
    """Outside of the block the server itself reads, and the peer's connection is forgotten."""
    peer = Peer("a", lambda: True)
    with reading_for(peer):
        assert current_peer() is peer
    assert current_peer().client == ""
    assert not peer.is_gone()
