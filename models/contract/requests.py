"""Every request by its name on the wire, in the order of the docs."""

from __future__ import annotations

from models.contract.commands import access, blocks, bookings, calendars, holds, server, slots
from models.contract.request import Request, declared

_MODULES = (calendars, slots, holds, bookings, blocks, server, access)
REQUESTS: dict[str, type[Request]] = {kind.wire.name: kind for module in _MODULES for kind in declared(module)}
_ON_SOCKETS = [kind for kind in REQUESTS.values() if not kind.wire.is_http_only]
PUBLIC_REQUESTS = {kind.wire.name: kind for kind in _ON_SOCKETS if not kind.wire.is_for_staff}
STAFF_REQUESTS = {kind.wire.name: kind for kind in _ON_SOCKETS if kind.wire.is_for_staff}
EVERY_REQUEST = PUBLIC_REQUESTS | STAFF_REQUESTS  # over Socket.IO
