"""The turn of a request over HTTP: the conduct is the address's, and the answer waits for the turn."""

from __future__ import annotations

import asyncio

from realtime.engine import AddressBudget, Rates
from realtime.engine.reading_line import Conduct
from realtime.requests.http_turn import HttpTurn


def test_requests_of_one_address_share_a_conduct() -> None:
    """A client can't lose its conduct by another connection."""
    address = AddressBudget(Rates.of(0), Rates.of(0))
    HttpTurn(address).conduct = conduct = Conduct()
    assert HttpTurn(address).conduct is conduct


async def test_only_a_request_in_the_line_waits() -> None:
    """It waits until it has left the line."""
    turn = HttpTurn(AddressBudget(Rates.of(0), Rates.of(0)))
    await turn.until_left()
    turn.enter_line()
    waiting = asyncio.ensure_future(turn.until_left())
    await asyncio.sleep(0)
    assert not waiting.done()
    turn.leave_line()
    turn.leave_line()  # a second time changes nothing
    await waiting
