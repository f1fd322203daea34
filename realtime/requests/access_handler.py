"""Handles the requests about accounts, tokens and private links."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from models.contract.commands import access
from models.contract.commands.background import (
    AccessCommand,
    AddAccount,
    AddCredential,
    ChangeAccount,
    RemoveAccount,
    RevokeCredential,
)
from models.contract.commands.calendars import MakeLink
from models.contract.commands.command import Command
from models.contract.errors import BadRequest, Forbidden
from models.contract.principal import Principal
from models.contract.request import Request
from models.contract.values.text import check_line
from models.contract.values.time import SECOND, Clock, write_time
from models.service import may_grant
from realtime.access.auth import Auth, Identity
from realtime.access.credentials import CredentialKeeper
from realtime.access.passwords import PasswordThreads
from realtime.access.visibility import check_read
from realtime.async_service import AsyncService
from realtime.reads.read_queue import Lane

Scope = tuple[str, ...] | None  # the calendars in which the caller has the role of the request; None for all
Answer = Callable[[Any, Scope, Identity], Awaitable[dict[str, Any]]]


class AccessHandler:
    """The handler. An answer to a change leaves once this server follows the change."""

    def __init__(
        self, service: AsyncService, auth: Auth, keeper: CredentialKeeper, passwords: PasswordThreads, clock: Clock
    ) -> None:
        self._service = service
        self._auth = auth
        self._keeper = keeper
        self._passwords = passwords
        self._clock = clock
        self._answers: dict[type[Request], Answer] = {
            access.ListAccounts: self._list_accounts,
            access.CreateAccount: self._create_account,
            access.UpdateAccount: self._update_account,
            access.DeleteAccount: self._delete_account,
            access.ListTokens: self._list_tokens,
            access.CreateToken: self._create_token,
            access.RevokeToken: self._revoke_token,
            access.ListLinks: self._list_links,
            access.RevokeLink: self._revoke_link,
        }

    async def answer(self, request: Request, identity: Identity) -> dict[str, Any]:
        """Return the fields of the answer, after the check of the request's role."""
        scope = check_read(request, identity.principal)
        return await self._answers[type(request)](request, scope, identity)

    def marked(self, principal: Principal, command: Command | None = None) -> Principal:
        """Return the caller with the calendars in which it, or the customer of its command, is blocked."""
        blocked_in = self._keeper.blocks.find(principal, command)
        return replace(principal, blocked_in=blocked_in) if blocked_in else principal

    async def follow(self) -> None:
        """Read the rights and the blocks again: the caller has changed them, and this server follows at once."""
        await self._keeper.read()

    async def link(self, request: MakeLink, principal: Principal) -> dict[str, Any]:
        """Return a token for guests to see and book the calendar, and its end. Staff send it on."""
        token, subject, ends_at = self._auth.write_link(request.calendar, request.lifetime_seconds)
        await self._service.run(
            AddCredential(
                credential=subject,
                kind="link",
                subject=subject,
                roles=((request.calendar, ""),),
                made_by=principal.subject,
                ends_at=ends_at * SECOND,
            )
        )
        return {"token": token, "expires_at": write_time(ends_at * SECOND)}

    async def _list_accounts(self, _request: Request, scope: Scope, _identity: Identity) -> dict[str, Any]:
        return {"accounts": await self._service.read(self._service.sync.accounts, scope, lane=Lane.LIGHT)}

    async def _create_account(self, request: access.CreateAccount, scope: Scope, _identity: Identity) -> dict[str, Any]:
        hashed = await self._passwords.hash(request.password)
        roles = tuple(request.roles.items())
        return await self._run(AddAccount(name=request.name, password=hashed, roles=roles, scope=scope))

    async def _update_account(self, request: access.UpdateAccount, scope: Scope, identity: Identity) -> dict[str, Any]:
        password, roles = request.password, request.roles
        is_own = identity.account == request.account and identity.credential is not None
        return await self._run(
            ChangeAccount(
                account=request.account,
                name=request.name if isinstance(request.name, str) else None,
                password=await self._passwords.hash(password) if isinstance(password, str) else None,
                roles=tuple(roles.items()) if isinstance(roles, dict) else None,
                disabled=request.disabled if isinstance(request.disabled, bool) else None,
                kept_session=identity.credential.id if is_own and identity.credential is not None else "",
                scope=scope,
            )
        )

    async def _delete_account(self, request: access.DeleteAccount, scope: Scope, _identity: Identity) -> dict[str, Any]:
        return await self._run(RemoveAccount(account=request.account, scope=scope))

    async def _list_tokens(self, _request: Request, scope: Scope, _identity: Identity) -> dict[str, Any]:
        return {"tokens": await self._listed("token", scope)}

    async def _create_token(self, request: access.CreateToken, scope: Scope, identity: Identity) -> dict[str, Any]:
        if not may_grant(scope, dict.fromkeys(request.calendars, request.role)):
            raise Forbidden("A token has rights in your own calendars only.", rule="scope")
        subject = check_line(request.subject, "subject", most=len(request.subject))
        if not subject:
            raise BadRequest("A token has a `subject`.", field="subject")
        calendars: list[str] | str = "*" if "*" in request.calendars else list(request.calendars)
        seconds, made_by = request.lifetime_seconds, identity.principal.subject
        token = self._auth.write_token(
            subject, scope=request.role, calendars=calendars, seconds=seconds, made_by=made_by
        )
        self._auth.identify(token, "")  # notes it, so that the list has it before its first use
        await self._keeper.note_uses()
        return {"token": token, "expires_at": write_time((self._clock() // SECOND + seconds) * SECOND)}

    async def _revoke_token(self, request: access.RevokeToken, scope: Scope, _identity: Identity) -> dict[str, Any]:
        return await self._revoke("token", request.token, scope)

    async def _list_links(self, _request: Request, scope: Scope, _identity: Identity) -> dict[str, Any]:
        return {"links": await self._listed("link", scope)}

    async def _revoke_link(self, request: access.RevokeLink, scope: Scope, _identity: Identity) -> dict[str, Any]:
        return await self._revoke("link", request.link, scope)

    async def _listed(self, kind: str, scope: Scope) -> Any:
        await self._keeper.note_uses()  # the list has the uses of this moment
        return await self._service.read(self._service.sync.credentials, kind, scope, lane=Lane.LIGHT)

    async def _revoke(self, kind: str, name: str, scope: Scope) -> dict[str, Any]:
        await self._keeper.note_uses()  # a token is revoked by its first note
        await self._run(RevokeCredential(credential=name, kinds=(kind,), scope=scope))
        return {"revoked": name}

    async def _run(self, command: AccessCommand) -> dict[str, Any]:
        answer = await self._service.run(command)
        await self._keeper.read()
        fields: dict[str, Any] = msgspec.json.decode(answer.result)
        return fields
