"""Tickets: a client that cannot send a header gets one for its stream."""

import time

from models.contract.values.time import SECOND, read_time
from realtime.access.auth import TICKET_SECONDS
from tests.support import Api, Server

BAD_BODIES = [{}, {"calendars": []}, {"calendars": "demo"}, {"calendars": ["Not a slug"]}]


async def test_a_ticket_lasts_half_a_minute(served: Server, token: str) -> None:
    """Its end is in the answer, and no cache keeps the answer."""
    async with Api(served.url, token) as api:
        answer = await api.ask("POST", "/api/tickets", {"calendars": ["demo"]})
    assert answer.code == "ok"
    assert answer.headers["Cache-Control"] == "no-store"
    assert 0 < read_time(answer.body["expires_at"]) / SECOND - time.time() <= TICKET_SECONDS
    assert token not in answer.body["ticket"]


async def test_a_ticket_is_for_named_calendars(served: Server, token: str) -> None:
    """A body without a list of ids is a bad request; a guest without a token has no ticket."""
    async with Api(served.url, token) as api:
        for body in BAD_BODIES:
            assert (await api.ask("POST", "/api/tickets", body)).code == "bad_request", body
    async with Api(served.url) as guest:
        assert (await guest.ask("POST", "/api/tickets", {"calendars": ["demo"]})).code == "unauthorized"
