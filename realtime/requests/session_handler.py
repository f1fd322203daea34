"""Handles log-ins: sessions are opened with a name and a password, told, and ended."""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

import msgspec

from models.contract.commands.access import SetPassword, SignIn
from models.contract.commands.background import AccessCommand, AddCredential, ChangeAccount, RevokeCredential
from models.contract.errors import Forbidden, Unauthorized
from models.contract.principal import Principal, Role
from models.contract.values.fold import fold
from models.contract.values.ids import new_id
from models.contract.values.time import SECOND, Clock, write_time
from models.service import AccountRow
from realtime.access.auth import Identity
from realtime.access.credentials import CredentialKeeper, digest_of
from realtime.access.passwords import PasswordThreads
from realtime.access.sign_in_limit import SignInLimit
from realtime.async_service import AsyncService
from realtime.reads.read_queue import Lane


class Opened(NamedTuple):
    """A new session: the secret for its cookie, and its lifetime in seconds."""

    secret: str
    seconds: int


class SessionHandler:
    """The handler. An answer to a change leaves once this server follows the change."""

    def __init__(
        self,
        service: AsyncService,
        keeper: CredentialKeeper,
        passwords: PasswordThreads,
        clock: Clock,
        *,
        session_seconds: int,
    ) -> None:
        self._service = service
        self._keeper = keeper
        self._passwords = passwords
        self._clock = clock
        self._session_seconds = session_seconds
        self._limit = SignInLimit()

    async def sign_in(self, request: SignIn, address: str) -> Opened:
        """Open a session. Neither the refusal nor its time tells if there is such an account."""
        found = await self._proven(request.name, request.password, address)
        if found is None:
            raise Unauthorized("The name or the password is wrong.")
        secret = secrets.token_urlsafe(32)
        await self._run(
            AddCredential(
                credential=new_id(self._clock()),
                kind="session",
                account=found.id,
                digest=digest_of(secret),
                subject=found.name,
                roles=(),
                made_by=found.name,
                ends_at=self._clock() + self._session_seconds * SECOND,
            )
        )
        return Opened(secret, self._session_seconds)

    async def sign_out(self, identity: Identity) -> None:
        """End the session of the request; nothing for a caller without one."""
        if identity.account and identity.credential is not None:
            await self._run(RevokeCredential(credential=identity.credential.id, kinds=("session",)))

    async def session(self, identity: Identity) -> dict[str, Any]:
        """Return who the caller is, and whether there is an account to sign in with."""
        has_accounts = await self._service.read(self._service.sync.has_accounts, lane=Lane.LIGHT)
        principal = identity.principal
        if not principal.subject:
            return {"session": None, "has_accounts": has_accounts}
        ends_at = None
        if identity.expires_at is not None:
            ends_at = write_time(self._clock() + int(identity.seconds_left * SECOND))
        found = {"subject": principal.subject, "roles": _roles_of(principal), "expires_at": ends_at}
        if identity.account:
            found["account"] = identity.account
        return {"session": found, "has_accounts": has_accounts}

    async def set_password(self, request: SetPassword, identity: Identity) -> dict[str, Any]:
        """Change the password of the caller's account, after a proof of the present one."""
        principal = identity.principal
        if not identity.account or identity.credential is None:
            raise principal.refusal()
        found = await self._proven(principal.subject, request.password, principal.address)
        if found is None:
            raise Forbidden("The present password is another one.", rule="password")
        hashed = await self._passwords.hash(request.new_password)
        return await self._run(ChangeAccount(account=found.id, password=hashed, kept_session=identity.credential.id))

    async def _proven(self, name: str, password: str, address: str) -> AccountRow | None:
        """Return the account with this name and password; RateLimited after too many tries."""
        folded = fold(" ".join(name.split()))
        self._limit.check(address, folded)
        found = await self._service.read(self._service.sync.account, folded, lane=Lane.LIGHT)
        is_right = await self._passwords.is_password(None if found is None else found.password, password)
        if found is None or not is_right or found.disabled:
            return None
        self._limit.succeed(address, folded)
        return found

    async def _run(self, command: AccessCommand) -> dict[str, Any]:
        answer = await self._service.run(command)
        await self._keeper.read()
        fields: dict[str, Any] = msgspec.json.decode(answer.result)
        return fields


def _roles_of(principal: Principal) -> dict[str, str]:
    """Return the roles of a principal by calendar, as an account has them."""
    named = ["*"] if principal.calendars is None else sorted(principal.calendars)
    roles = {name: principal.role for name in named if principal.role > Role.GUEST} | dict(principal.roles)
    return {name: role.name.lower() for name, role in roles.items()}
