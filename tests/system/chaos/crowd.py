"""Watchers of every kind: plain clients of each transport, the official clients, and the client library."""

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple, Self

import aiohttp

from tests.support import Api, Client, Node, eventually
from tests.support.clients.following import follow
from tests.support.clients.replica import Message, Replica, Slot, moment
from tests.support.clients.transport import TRANSPORTS, Subscriber
from tests.support.clients.viewer import Viewer
from tests.support.node import bundle_library
from tests.system.chaos.cluster import PATIENCE_SECONDS

_RETRY_SECONDS = 0.05
# The kinds of a set of watchers: these in Python by plain means, these by python-socketio, and these in Node.
PLAIN = tuple(TRANSPORTS)
_PYTHON = (("websocket",),)  # over polling its own reconnect may come late: after one failed POST it writes nothing
_NODE = (
    "socket.io-client websocket", "socket.io-client polling", "socket.io-client polling websocket",
    "library websocket", "library polling", "library sse", "library longpoll",
)  # fmt: skip


class Copy(NamedTuple):
    """The state of one watcher. `runs` are the first and the last seq of each run of applied changes without a gap."""

    kind: str
    calendar: str
    runs: list[list[int]]
    snapshots: int
    age_ms: float
    have: int
    slots: list[Slot]


class Aged(Replica):
    """A replica that notes the runs of seqs, and the greatest age of a change when it was applied."""

    age_seconds = 0.0

    def apply(self, change: Message) -> None:
        before = self.have
        super().apply(change)
        if self.have > before:
            self.age_seconds = max(self.age_seconds, time.time() - moment(change["at"]).timestamp())

    def copy(self, kind: str, calendar: str) -> Copy:
        """Return what it has; its age begins anew."""
        runs: list[list[int]] = []
        for seq in self.applied:
            if runs and runs[-1][1] == seq - 1:
                runs[-1][1] = seq
            else:
                runs.append([seq, seq])
        age, self.age_seconds = self.age_seconds, 0.0
        return Copy(kind, calendar, runs, self.snapshots, 1_000 * age, self.have, list(self._slots.values()))


class AgedSubscriber(Aged, Subscriber):
    pass


class AgedViewer(Aged, Viewer):
    pass


class PatientClient(Client):
    """python-socketio's client, which subscribes again after a passing refusal."""

    make_viewer = AgedViewer

    def _subscribe(self, calendar: str, **fields: Any) -> "asyncio.Future[Any]":
        done = super()._subscribe(calendar, **fields)
        done.add_done_callback(lambda answered: self._again(calendar, answered.result()))
        return done

    def _again(self, calendar: str, answer: dict[str, Any]) -> None:
        if not answer["ok"] and answer["error"]["retryable"]:
            asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._subscribe, calendar)


class Crowd:
    """So many sets of watchers of each calendar, from `__aenter__` to `__aexit__`."""

    def __init__(
        self,
        url: str,
        calendars: Sequence[str],
        folder: Path,
        *,
        sets: int,
        delay_ms: int,
        plain: Sequence[str] = PLAIN,
    ) -> None:
        """`delay_ms` is the first delay of a reconnect of socket.io-client, and `plain` the plain transports."""
        self._url = url
        self._calendars = [calendar for calendar in calendars for _ in range(sets)]
        self._folder = folder
        self._delay_ms = delay_ms
        self._ways = plain
        self._plain: list[tuple[str, str, AgedSubscriber]] = []
        self._clients: list[tuple[str, str, PatientClient]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        http = await self._stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(sock_read=30))
        )
        for calendar in self._calendars:
            for way in self._ways:
                one = AgedSubscriber()
                self._plain.append((f"plain {way}", calendar, one))
                self._tasks.append(asyncio.create_task(follow(way, http, [self._url], calendar, one, obeys_retry=True)))
            for transports in _PYTHON:
                client = await self._stack.enter_async_context(PatientClient(self._url, transports=transports))
                self._clients.append((f"python-socketio {' '.join(transports)}", calendar, client))
                await client.watch(calendar)
        self._node = await asyncio.to_thread(self._start_node)
        self._stack.callback(self._node.__exit__)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()
        assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends

    def _start_node(self) -> Node:
        library = bundle_library(self._folder)
        kinds = [[kind, calendar] for calendar in self._calendars for kind in _NODE]
        arguments = (self._url, str(library), str(self._delay_ms), json.dumps(kinds))
        return Node("crowd.mjs", *arguments).__enter__()

    async def copies(self) -> list[Copy]:
        """Return what each watcher has."""
        self._node.send({"look": True})
        said = await asyncio.to_thread(self._node.read_until, lambda told: told["saw"] == "copies")
        viewers = [(kind, calendar, client.viewers[calendar]) for kind, calendar, client in self._clients]
        python = [one.copy(kind, calendar) for kind, calendar, one in [*self._plain, *viewers] if isinstance(one, Aged)]
        return [*python, *(Copy(**copy) for copy in said["copies"])]

    async def converge(self, api: Api) -> list[Copy]:
        """Wait until every watcher stands at the head, and return what they have.

        Each has one snapshot and then every seq once and in order, and equals a fresh snapshot. The ages are those
        since the convergence before.
        """
        ages: dict[int, float] = {}
        late: list[tuple[str, str, int]] = []

        async def at_head() -> list[Copy]:
            fresh = {calendar: await api.get(f"/api/calendars/{calendar}/slots") for calendar in set(self._calendars)}
            copies = await self.copies()
            for place, copy in enumerate(copies):
                ages[place] = max(ages.get(place, 0.0), copy.age_ms)
            late[:] = [(copy.kind, copy.calendar, copy.have) for copy in copies]
            late[:] = [one for one in late if one[2] != fresh[one[1]]["seq"]]
            if late:
                for task in self._tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(_RETRY_SECONDS)
                return []
            for copy in copies:
                _check(copy, fresh[copy.calendar])
            return [copy._replace(age_ms=ages[place]) for place, copy in enumerate(copies)]

        try:
            return await eventually(at_head, PATIENCE_SECONDS, "all watchers to stand at the head")
        except AssertionError as error:
            raise AssertionError(f"{error}; not at the head: {late}") from error


def _check(copy: Copy, fresh: dict[str, Any]) -> None:
    who = f"{copy.kind} of {copy.calendar}"
    assert copy.snapshots == 1, f"{who} has {copy.snapshots} snapshots"
    assert len(copy.runs) <= 1, f"{who} applied {copy.runs}"
    assert not copy.runs or copy.runs[0][1] == fresh["seq"], f"{who} applied {copy.runs}, the head is {fresh['seq']}"
    slots = {slot["id"]: slot for slot in copy.slots}
    assert slots == {slot["id"]: slot for slot in fresh["slots"]}, f"{who} differs from the snapshot"
