"""The request about the server itself."""

from __future__ import annotations

from models.contract.principal import Role
from models.contract.request import Request, Wire
from models.contract.server_answers import ServerAnswer


class ReadServer(Request, frozen=True, kw_only=True):
    """For owners of all calendars."""

    wire = Wire("server.read", "Reads the figures of the server, as `/metrics` has them.", (ServerAnswer,), Role.OWNER)
