"""Tickets: a client that cannot send a header gets one for its stream."""

import time
from collections.abc import Iterator

import pytest

from models.contract.values.time import SECOND, read_time
from realtime.access.auth import TICKET_SECONDS
from tests.support import Api, Server

BAD_BODIES = [{}, {"calendars": []}, {"calendars": "demo"}, {"calendars": ["Not a slug"]}]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server for both tests."""
    with Server(tmp_path_factory.mktemp("tickets")) as server:
        yield server


async def test_a_ticket_lasts_half_a_minute(server: Server) -> None:
    """Its end is in the answer, and no cache keeps the answer."""
    token = server.command("token", "--scope", "staff").strip()
    async with Api(server.url, token) as api:
        answer = await api.ask("POST", "/api/tickets", {"calendars": ["demo"]})
    assert answer.code == "ok"
    assert answer.headers["Cache-Control"] == "no-store"
    assert 0 < read_time(answer.body["expires_at"]) / SECOND - time.time() <= TICKET_SECONDS
    assert token not in answer.body["ticket"]


async def test_a_ticket_is_for_named_calendars(server: Server) -> None:
    """A body without a list of ids is a bad request; a guest without a token has no ticket."""
    async with Api(server.url, server.command("token", "--scope", "staff").strip()) as api:
        for body in BAD_BODIES:
            assert (await api.ask("POST", "/api/tickets", body)).code == "bad_request", body
    async with Api(server.url) as guest:
        assert (await guest.ask("POST", "/api/tickets", {"calendars": ["demo"]})).code == "unauthorized"
