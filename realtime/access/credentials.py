"""The credentials in force: sessions by their digests, and revoked tokens, as the database has them.

Every server keeps them in memory, and reads them again after the notice of a change. A credential whose rights have
changed ends the connections that were opened with it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from math import isfinite
from typing import Any, Protocol
from weakref import WeakValueDictionary

from models.contract.commands.background import NoteUses, Use
from models.contract.commands.command import Answer, Command
from models.contract.errors import Unauthorized
from models.contract.principal import Role
from models.contract.request import FIRST_MOMENT, LAST_MOMENT
from models.contract.values.text import is_storable
from models.contract.values.time import SECOND, Clock
from models.service import AccessState, LiveSession
from realtime.access.block_list import BlockList
from realtime.background_task import end_tasks

MOST_USES = 5_000  # between two notes
NOTE_SECONDS = 20.0
_MOST_ID_CHARACTERS = 64
_ID_BYTES = 16

_log = logging.getLogger("slotcast.access")


class AccessService(Protocol):
    """The part of `AsyncService` that the credentials need."""

    async def run(self, command: Command) -> Answer: ...
    async def read(self, question: Callable[[], AccessState]) -> AccessState: ...


class Credential:
    """The rights of one token or session while they stay the same. Connections register what ends them."""

    __slots__ = ("__weakref__", "_ends", "id", "is_ended")

    def __init__(self, name: str) -> None:
        self.id = name
        self.is_ended = False
        self._ends: set[Callable[[], None]] = set()

    def watch(self, end: Callable[[], None]) -> None:
        """Call `end` when the rights end."""
        self._ends.add(end)

    def unwatch(self, end: Callable[[], None]) -> None:
        self._ends.discard(end)

    def end(self) -> None:
        self.is_ended = True
        for end in list(self._ends):
            end()
        self._ends.clear()


class Credentials:
    """The credentials as the loop has them. `take` replaces them, and `load` reads them from the database."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._state = AccessState({}, frozenset())
        self._sessions: dict[str, LiveSession] = {}  # by their ids
        self._live: WeakValueDictionary[str, Credential] = WeakValueDictionary()
        self._uses: dict[str, Use] = {}

    def take(self, state: AccessState) -> None:
        """Take the rights in force, and end the connections of those that have changed."""
        before, after = self._sessions, {session.id: session for session in state.sessions.values()}
        self._state, self._sessions = state, after
        for name, credential in list(self._live.items()):
            if name in state.revoked or before.get(name) != after.get(name):
                self._live.pop(name, None)
                credential.end()

    def of_token(self, token: str, claims: dict[str, Any], roles: tuple[tuple[str, str], ...]) -> Credential:
        """Return the credential of a token, and note its use; Unauthorized for a revoked one."""
        name = id_of(token, claims)
        if name in self._state.revoked or _hash_of(token) in self._state.revoked:
            raise Unauthorized("The token was revoked.")
        is_link = claims.get("link") is True
        if roles or is_link:
            ends_at, made_by = claims.get("exp"), claims.get("by", "")
            self._note(
                Use(
                    id=name,
                    used_at=self._clock(),
                    is_token=not is_link,
                    subject=claims["sub"],
                    roles=roles,
                    made_by=made_by if isinstance(made_by, str) and is_storable(made_by) else "",
                    made_at=int(read_moment(claims.get("iat", 0)) * SECOND),
                    ends_at=None if ends_at is None else int(read_moment(ends_at) * SECOND),
                )
            )
        return self._known(name)

    def knows(self, secret: str) -> bool:
        """Say if there is a session with this secret."""
        return digest_of(secret) in self._state.sessions

    def of_session(self, secret: str) -> tuple[Credential, LiveSession] | None:
        """Return the session of a cookie, and note its use; None for one that has ended."""
        session = self._state.sessions.get(digest_of(secret))
        if session is None or session.ends_at <= self._clock():
            return None
        self._note(Use(id=session.id, used_at=self._clock()))
        return self._known(session.id), session

    def rights_of(self, session: str) -> str:
        """Return a hash of the rights of the session with this id."""
        return _hash_of(repr(self._sessions.get(session)))

    def has_rights(self, session: str, rights: str) -> bool:
        """Say if the session is in force with the rights of this hash."""
        return session in self._sessions and rights == self.rights_of(session)

    def of_id(self, name: str, rights: str | None) -> Credential:
        """Return the credential with this id, of a ticket; Unauthorized for a revoked one.

        `rights` are those of a session when the ticket was issued. A session with others is another credential.
        """
        if name in self._state.revoked:
            raise Unauthorized("The ticket's token was revoked.")
        if rights is not None and not self.has_rights(name, rights):
            raise Unauthorized("The ticket's session has ended, or its rights have changed.")
        return self._known(name)

    def _known(self, name: str) -> Credential:
        credential = self._live.get(name)
        if credential is None:
            credential = self._live[name] = Credential(name)
        return credential

    def _note(self, use: Use) -> None:
        if use.id in self._uses or len(self._uses) < MOST_USES:
            self._uses[use.id] = use

    def taken_uses(self) -> tuple[Use, ...]:
        """Return the uses since the last call."""
        uses, self._uses = tuple(self._uses.values()), {}
        return uses


class CredentialKeeper:
    """Reads the credentials and the blocks at the start and after each notice; notes uses now and then."""

    def __init__(
        self,
        service: AccessService,
        question: Callable[[], AccessState],
        credentials: Credentials,
        blocks: BlockList,
    ) -> None:
        self._service = service
        self._question = question
        self._credentials = credentials
        self.blocks = blocks
        self._must_read = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._reading = asyncio.Lock()

    async def start(self) -> None:
        await self.read()
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._note_now_and_then())]

    def hurry(self) -> None:
        """Read again soon: the rights have changed."""
        self._must_read.set()

    async def read(self) -> None:
        """Read the rights in force. A caller who has changed them then knows that this server follows them."""
        async with self._reading:
            self._must_read.clear()
            state = await self._service.read(self._question)
            self._credentials.take(state)
            self.blocks.take(state.blocks)

    async def note_uses(self) -> None:
        uses = self._credentials.taken_uses()
        if uses:
            await self._service.run(NoteUses(uses=uses))

    async def close(self) -> None:
        await end_tasks(self._tasks)
        await self._attempt(self.note_uses)

    async def _follow(self) -> None:
        while True:
            await self._must_read.wait()
            if not await self._attempt(self.read):
                self._must_read.set()
                await asyncio.sleep(1)

    async def _note_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(NOTE_SECONDS)
            await self._attempt(self.note_uses)

    async def _attempt(self, act: Callable[[], Any]) -> bool:
        try:
            await act()
        except Exception as error:
            _log.warning("The rights can't be read or noted now: %s", error)
            return False
        return True


def digest_of(secret: str) -> str:
    """Return the hash of a session's secret. The secret is random, so one round is enough."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def read_moment(claim: Any) -> float:
    """Read seconds since the epoch; ValueError for anything else. Digits in a string are read too, as in PyJWT.

    A moment after the year 9999 counts as its end: some issuers write `exp` in milliseconds.
    """
    moment = float(claim)
    if not isfinite(moment):
        raise ValueError(claim)
    return min(max(moment, FIRST_MOMENT / SECOND), LAST_MOMENT / SECOND)


def id_of(token: str, claims: dict[str, Any]) -> str:
    """Return the id under which a token is listed and revoked: its `jti`, or a hash of what is signed.

    The signature does not count: base64 with a stray character, and a second signature by ES256, spell the same token.
    """
    name = claims.get("jti")
    if isinstance(name, str) and 1 <= len(name) <= _MOST_ID_CHARACTERS and is_storable(name):
        return name
    return _hash_of(token.rpartition(".")[0])


def _hash_of(text: str) -> str:
    """Return a hash for an id. Releases before took that of the whole token."""
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=_ID_BYTES).hexdigest()


def role_of(name: str) -> Role:
    """Return the role with this name; that of a guest for any other text."""
    return ROLES.get(name, Role.GUEST)


ROLES = {role.name.lower(): role for role in Role if role > Role.GUEST}
