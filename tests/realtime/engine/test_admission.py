"""AdmissionQueue: crowds are served a few at a time, in order, and other clients do not wait for them."""

import asyncio
import functools
import itertools

import pytest

from realtime.engine import Encoded, SocketServer
from realtime.engine.admission import SLICE_SECONDS, AdmissionQueue
from realtime.engine.engineio.sessions import REQUEST_SECONDS
from tests.realtime.engine.conftest import Serve
from tests.realtime.engine.raw_client import RawClient
from tests.support import eventually


async def test_a_few_are_served_at_once() -> None:
    """Actions run at once as long as the loop iteration has time."""
    admission, served = AdmissionQueue(), list[int]()
    for number in range(5):
        admission.run(functools.partial(served.append, number), SLICE_SECONDS / 5)
    assert served == [0, 1, 2, 3, 4]


async def test_many_are_served_over_iterations() -> None:
    """Each loop iteration runs as many actions as fit a slice, first in, first out."""
    admission, served = AdmissionQueue(), list[int]()
    for number in range(35):
        admission.run(functools.partial(served.append, number), SLICE_SECONDS / 10)
    seen = [len(served)]
    while len(served) < 35:
        await asyncio.sleep(0)
        seen.append(len(served))
    assert served == list(range(35))
    steps = [later - earlier for earlier, later in itertools.pairwise(seen)]
    assert max(seen[0], *steps) <= 11


async def test_no_action_overtakes_the_queue() -> None:
    """No action overtakes the queue, not even one without cost or one added by a running action."""
    admission, served = AdmissionQueue(), list[str]()

    def first() -> None:
        served.append("first")
        admission.run(functools.partial(served.append, "third"), 0)

    admission.run(lambda: None, SLICE_SECONDS)
    admission.run(first, 0)
    admission.run(functools.partial(served.append, "second"), 0)
    assert served == []
    await admission.until_served()
    assert served == ["first", "second", "third"]


async def test_more_cost_than_estimated() -> None:
    """An iteration over its slice runs no further action. The next one does."""
    admission, served = AdmissionQueue(), list[str]()
    admission.run(lambda: admission.charge(SLICE_SECONDS), 0)
    admission.run(functools.partial(served.append, "late"), 0)
    assert served == []
    await asyncio.sleep(0)
    assert served == ["late"]


async def test_large_answers_are_given_a_few_at_a_time(serve: Serve) -> None:
    """After one large answer, each loop iteration answers only a few of many requests at once."""
    server, begun = SocketServer(), 0

    @server.on("snapshot")
    async def snapshot(_sid: str) -> Encoded:
        nonlocal begun
        begun += 1
        return Encoded(b'"%b"' % (b"x" * 400_000))

    endpoint = await serve(server)
    clients = [await RawClient.join(endpoint) for _ in range(60)]
    await eventually(lambda: len(server.manager.clients.get("/", ())) == 60)
    first, *others = server.connections.values()
    server.eio.request_seconds = REQUEST_SECONDS  # as after many small answers
    server.eio.receive(first, '21["snapshot"]')
    await eventually(lambda: begun == 1)
    for connection in others:
        server.eio.receive(connection, '21["snapshot"]')
    seen = [1]
    while begun < 60:
        await asyncio.sleep(0)
        seen.append(begun)
    assert max(later - earlier for earlier, later in itertools.pairwise(seen)) <= 5
    for client in clients:
        client.socket.close()


async def test_a_failing_action_blocks_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """A failing action is logged, and the actions behind it run."""
    admission, served = AdmissionQueue(), list[str]()
    admission.run(lambda: 1 / 0, SLICE_SECONDS)
    admission.run(lambda: 1 / 0, 0)
    admission.run(functools.partial(served.append, "next"), 0)
    await admission.until_served()
    assert served == ["next"]
    assert len(caplog.records) == 2


async def test_sessions_open_and_end_through_the_queue(serve: Serve) -> None:
    """New sessions, closed ones and aborted ones all wait while the queue is not empty."""
    server = SocketServer()
    endpoint = await serve(server)
    hanging_up, cut = await RawClient.join(endpoint), await RawClient.join(endpoint)
    await eventually(lambda: len(server.manager.clients.get("/", ())) == 2)
    first, second = server.connections.values()
    admission = server.eio.admission
    while not (await hanging_up.read()).endswith(b"}"):
        pass  # or its close would be a reset
    admission._queue.append((lambda: None, 0))  # only the test runs this queue
    hanging_up.socket.close()
    second.abort("no longer allowed")
    coming = asyncio.create_task(endpoint.open_polling())
    await eventually(lambda: len(admission._queue) == 4)
    assert first.is_open
    assert set(server.eio.sockets) == {first.sid, second.sid}
    assert not coming.done()
    admission._begin_iteration()
    sid = await coming
    await eventually(lambda: set(server.eio.sockets) == {sid})
    cut.socket.close()
