"""Explaining a slot: rule by rule, and in agreement with what taking it is answered."""

from __future__ import annotations

from typing import Any

import pytest

from models.commands import ArchiveCalendar, Asker, CloseSlot, HoldSlot, RemoveSlot, UpdateCalendar
from models.errors import NotFound, Refused, Unauthorized
from models.explanation import is_bookable
from models.service import Outcome
from tests.book.desk import GUEST, STAFF, Desk, booking, new_key

OTHER = Asker(address="198.51.100.7")
RULES = ["booking", "archived", "past", "min_notice", "max_advance", "max_holds", "closed", "overlap", "capacity"]


def policy(desk: Desk, **fields: Any) -> None:
    desk.book.run(UpdateCalendar(asker=STAFF, calendar="room", policy=fields))


def book_neighbour(desk: Desk, slot: str) -> None:
    policy(desk, overlap="reject")
    (start,) = desk.query("SELECT start FROM slot WHERE id = ?", slot)[0]
    desk.reserve(desk.open(start=start + 1)[0], asker=OTHER)


def set_scene(desk: Desk, slot: str, rule: str | None) -> None:
    """Puts the rule in the slot's way."""
    match rule:
        case "booking":
            desk.book.run(UpdateCalendar(asker=STAFF, calendar="room", booking="token"))
        case "archived":
            desk.book.run(ArchiveCalendar(asker=STAFF, calendar="room"))
        case "past":
            desk.clock.go(10 * 86_400)
        case "min_notice":
            policy(desk, min_notice=86_400 * 30)
        case "max_advance":
            policy(desk, max_advance=60)
        case "max_holds":
            policy(desk, max_holds=1)
            desk.hold(desk.open()[0])
        case "closed":
            desk.book.run(CloseSlot(asker=STAFF, slot=slot))
        case "overlap":
            book_neighbour(desk, slot)
        case "capacity":
            desk.reserve(slot, asker=OTHER)


def said(outcome: Outcome) -> list[tuple[str, str]]:
    """How it was refused, if it was."""
    return [(outcome.code, outcome.message)] if isinstance(outcome, Refused) else []


@pytest.mark.parametrize("rule", [None, *RULES])
def test_the_rule_that_refuses_is_the_one_that_is_not_ok(desk: Desk, rule: str | None) -> None:
    """Every rule is named in the order in which it is asked, and only the one in the way is not ok; then, and only
    then, is a hold refused, with the same code, and a booking, but for the limit of holds.
    """
    (slot,) = desk.open()
    set_scene(desk, slot, rule)
    explained = desk.book.explain(GUEST, slot)
    assert [one["rule"] for one in explained] == RULES
    wrong = [one for one in explained if not one["ok"]]
    assert [one["rule"] for one in wrong] == ([rule] if rule else [])
    held, booked = desk.together([HoldSlot(asker=GUEST, key=new_key(), slot=slot), booking(slot, asker=GUEST)])
    told = [(one["code"], one["message"]) for one in wrong]
    assert told == said(held)
    if rule is not None:
        assert said(booked) == ([] if rule == "max_holds" else told)
        assert is_bookable(explained) is not isinstance(booked, Refused)


def test_only_who_may_see_a_slot_is_told_of_it(desk: Desk) -> None:
    """And a removed slot, or none at all, is not found."""
    slot, gone = desk.open(2)
    desk.book.run(RemoveSlot(asker=STAFF, slot=gone))
    for name in (gone, "", "\ud800"):
        with pytest.raises(NotFound):
            desk.book.explain(GUEST, name)
    desk.book.run(UpdateCalendar(asker=STAFF, calendar="room", visibility="private"))
    with pytest.raises(Unauthorized):
        desk.book.explain(GUEST, slot)
    assert all(one["ok"] for one in desk.book.explain(Asker(subject="x", calendars=frozenset({"room"})), slot))
