"""Requests about holds."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct

from models.contract import answers
from models.contract.commands.command import Command
from models.contract.request import Count, Id, Override, Proof, Token, public


class HeldSeat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hold, and the proof of the right to it."""

    id: Id
    token: Token


class HoldSlot(Command, frozen=True, kw_only=True):
    wire = public("slot.hold", "Keeps seats while the customer decides.", answers.HoldAnswer, needs_key=True)

    slot: Id
    seats: Count = 1
    override: Override = UNSET
    proof: Proof = UNSET

    @property
    def is_claim(self) -> bool:
        return True


class HoldCommand(Command, frozen=True, kw_only=True):
    """A command about one hold; `token` proves the right to it."""

    hold: Id
    token: Token

    @property
    def held(self) -> HeldSeat:
        return HeldSeat(id=self.hold, token=self.token)

    def recorded(self) -> dict[str, Any]:
        return {"hold": self.held}


class ExtendHold(HoldCommand, frozen=True, kw_only=True):
    wire = public("hold.extend", "Makes a hold last longer.", answers.HoldAnswer, needs_key=True)


class ReleaseHold(HoldCommand, frozen=True, kw_only=True):
    wire = public("hold.release", "Gives a hold's seats back.", answers.EndedHoldAnswer, needs_key=True)
