"""The declarations of the requests, of every module in models/contract/commands."""

from models.contract.commands import access, blocks, bookings, calendars, holds, server, slots
from models.contract.request import declared as declared_in
from models.contract.requests import REQUESTS


def test_every_request_is_declared_whole() -> None:
    """Each request has a sentence and an answer, which its route may name, and no two have the same name."""
    declared = [kind.wire for kind in REQUESTS.values()]
    assert all(wire.summary.endswith(".") and (wire.answers or wire.is_http_only) for wire in declared)
    assert len(declared) == sum(
        len(declared_in(module)) for module in (access, blocks, bookings, calendars, holds, server, slots)
    )
