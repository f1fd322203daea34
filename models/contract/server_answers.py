"""The figures of servers, as they tell them to one another and to the page of the server."""

from __future__ import annotations

from msgspec import Struct


class Figure(Struct, kw_only=True):
    """A number of `/metrics`, with its labels. A counter counts from the start of the process."""

    name: str
    labels: dict[str, str]
    value: float


class ToldFigures(Struct, kw_only=True, frozen=True):
    """The figures of a process, as it tells them to the other servers.

    Processes with the same `place` are workers of one server. `started_at` is in milliseconds, and the last three count
    from then.
    """

    place: str
    name: str
    started_at: int
    is_leader: bool
    connections: int
    subscribers: int
    rooms: int
    queued: int
    changes: int
    requests: int
    slow: int


class ServerRow(Struct, kw_only=True):
    """The figures of one of the servers on a database, the sums of its workers.

    `told_at` is the time of the figures. The last three count from `started_at`.
    """

    name: str
    is_this: bool
    told_at: str
    started_at: str
    is_leader: bool
    workers: int
    connections: int
    subscribers: int
    rooms: int
    queued: int
    changes: int
    requests: int
    slow: int


class ServerAnswer(Struct, kw_only=True):
    """The state of the server that answers. `nodes` is the number of servers that know each other, with this one.

    Of several workers on one machine, each figure has the label `worker`, the number of the process. `servers` has this
    server first, then the others by name, up to 100. A server tells its figures every two seconds; without news of it
    for ten seconds it is not in the list any more.
    """

    server_time: str
    started_at: str
    versions: dict[str, str]
    nodes: int
    workers: int
    figures: list[Figure]
    servers: list[ServerRow]
