"""Requests about blocks: who takes no seats in a calendar, or in all of them."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from models.contract import answers
from models.contract.commands.access import GrantedCalendar
from models.contract.commands.command import Command
from models.contract.request import Id, Label, Moment, Request, Slug, staff
from models.contract.values.blocked_value import BlockKind


class AddBlock(Command, frozen=True, kw_only=True):
    """`calendar` is `*` for all calendars, which needs an owner of all. `address` is an IP address or a prefix (CIDR).

    Another block of the same value replaces the reason and the end.
    """

    wire = staff("block.add", "Blocks a customer: their holds and bookings are refused.", answers.BlockAnswer)
    needs_calendar = False

    calendar: GrantedCalendar
    kind: BlockKind
    value: Annotated[str, Meta(min_length=1, max_length=255)]
    reason: Label = ""
    expires_at: Moment | None = None


class RemoveBlock(Command, frozen=True, kw_only=True):
    wire = staff("block.remove", "Ends a block.", answers.BlockAnswer)

    block: Id


class ListBlocks(Request, frozen=True, kw_only=True):
    """Without a `calendar` it lists those of all calendars of the caller; an owner of all gets those of `*` too."""

    wire = staff("block.list", "Lists the blocks, the newest first.", answers.BlocksAnswer)

    calendar: Slug | UnsetType = UNSET
