"""A route without a command, as one row of the tables of routes."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from models.contract.request import Request


class ReadRoute(NamedTuple):
    """A route without a command: its query, its headers, its body and its answer.

    `request` is the request of Socket.IO that it answers over HTTP, with the path's `{id}` as its field `subject`.
    """

    method: str
    path: str
    summary: str
    query: tuple[str, ...] = ()
    shape: type[Struct] | None = None
    media: str = "application/json"
    status: int = 200
    headers: tuple[str, ...] = ()
    request: type[Request] | None = None
    subject: str = ""
    takes_body: bool = False
