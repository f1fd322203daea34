"""`GET /api/challenge`, and the page `/verify/{booking}` that the link of a guest's mail opens.

The secret part of the link stands behind its `#`, so no log has it. Programs that open the links of a mail send no
form, so they confirm nothing.
"""

from __future__ import annotations

from aiohttp import web

from models.contract.changes import encode
from models.contract.values.proof import make_challenge
from models.contract.values.time import Clock
from models.contract.values.tokens import Tokens
from realtime.http.middleware import RequestGuard

PROOF_NUMBER = 50_000


class VerificationApi:
    """The handlers of the routes. `proof_number` is the difficulty of a challenge."""

    def __init__(self, guard: RequestGuard, tokens: Tokens, clock: Clock, proof_number: int) -> None:
        self._guard = guard
        self._tokens = tokens
        self._clock = clock
        self._proof_number = proof_number

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/challenge", self.challenge)]

    async def challenge(self, request: web.Request) -> web.Response:
        """Answer a new challenge; nothing of it is stored."""
        self._guard.count(request)
        made = make_challenge(self._tokens, self._clock(), self._proof_number)
        return web.Response(body=encode(made), content_type="application/json", headers={"Cache-Control": "no-store"})
