"""The base of every command, and its answer."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Struct

from models.contract.principal import ANONYMOUS, Principal
from models.contract.request import Key, Request

# Another try of the same command may have another proof, and come from the page in another language.
_UNRECORDED = frozenset({"key", "proof", "language"})
GUEST_KEY_LENGTH = 22  # characters: what a random 128-bit key has in base64url


class Command(Request, frozen=True, kw_only=True):
    """A request that changes the database. `key` makes retries safe; `received` is in milliseconds.

    A command reads no clock. Its only times are those of slots and `received`, the arrival of the request.
    """

    of_server = frozenset({"principal", "received"})
    needs_calendar: ClassVar[bool] = True  # a calendar must exist for it
    is_background: ClassVar[bool] = False  # other commands go first

    @property
    def is_claim(self) -> bool:
        """Whether it asks for seats that the caller does not hold."""
        return False

    principal: Principal = ANONYMOUS
    key: Key = ""
    received: int = 0

    def recorded(self) -> dict[str, Any]:
        """Return the fields for the fingerprint of an idempotency record, in the form of records already stored."""
        left_out = self.of_server | _UNRECORDED
        return {name: getattr(self, name) for name in self.__struct_fields__ if name not in left_out}


class Answer(Struct, frozen=True, kw_only=True):
    """The outcome of a command: `result` is a JSON object with its tokens; `seq` and `cursor` are the calendar's."""

    calendar: str
    seq: int
    cursor: str
    result: bytes


class WithToken(Struct, frozen=True, kw_only=True):
    """A read of one booking, by the holder of its token or by its calendar's staff."""

    principal: Principal
    booking: str
    token: str = ""
