"""Explaining a slot: rule by rule, and in agreement with the refusal of a hold or a booking."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from models.contract.commands.background import SetBusy
from models.contract.commands.calendars import AddBusy, ArchiveCalendar, UpdateCalendar
from models.contract.commands.holds import HoldSlot
from models.contract.commands.slots import CloseSlot, RemoveSlot
from models.contract.errors import NotFound, Refused, Unauthorized
from models.contract.principal import Principal
from models.query.explain import is_bookable
from models.service import Outcome
from tests.models.driver import GUEST, OTHER, STAFF, Driver, booking, new_key, results

RULES = [
    "booking", "archived", "blocked", "past", "min_notice", "max_advance", "max_holds", "max_bookings",
    "max_bookings_per_day", "closed", "overlap", "busy", "capacity",
]  # fmt: skip


def policy(driver: Driver, **fields: Any) -> None:
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy=fields))


def book_neighbour(driver: Driver, slot: str) -> None:
    policy(driver, overlap="reject")
    (start,) = driver.query("SELECT start FROM slot WHERE id = ?", slot)[0]
    driver.reserve(driver.open(start=start + 1)[0], principal=OTHER)


def keep_busy(driver: Driver, slot: str) -> None:
    (start,) = driver.query("SELECT start FROM slot WHERE id = ?", slot)[0]
    text = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
    added = AddBusy(principal=STAFF, key=new_key(), calendar="room", text=text)
    source = results(driver.service.run(added))["id"]
    driver.service.run(SetBusy(calendar="room", source=source, times=((start, start + 1_000),)))


def set_scene(driver: Driver, slot: str, rule: str | None) -> None:
    """Puts the rule in the slot's way."""
    match rule:
        case "booking":
            driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", booking="token"))
        case "archived":
            driver.service.run(ArchiveCalendar(principal=STAFF, calendar="room"))
        case "past":
            driver.clock.go(10 * 86_400)
        case "min_notice" | "max_advance":
            policy(driver, **{rule: 86_400 * 30 if rule == "min_notice" else 60})
        case "max_holds":
            policy(driver, max_holds=1)
            driver.hold(driver.open()[0])
        case "max_bookings" | "max_bookings_per_day":
            driver.reserve(driver.open()[0])
            policy(driver, **{rule: 1})
        case "closed":
            driver.service.run(CloseSlot(principal=STAFF, slot=slot))
        case "overlap" | "busy":
            (book_neighbour if rule == "overlap" else keep_busy)(driver, slot)
        case "capacity":
            driver.reserve(slot, principal=OTHER)


def said(outcome: Outcome) -> list[tuple[str, str]]:
    """Return the code and the message of a refusal; nothing for success."""
    return [(outcome.code, outcome.message)] if isinstance(outcome, Refused) else []


@pytest.mark.parametrize("rule", [None, *RULES])
def test_the_refusing_rule_is_the_one_that_is_not_ok(driver: Driver, rule: str | None) -> None:
    """Each rule is named in the order of its check, and only the broken one is not ok.

    A hold is refused exactly then, with the same code. So is a booking, except for the limit of holds.
    """
    (slot,) = driver.open()
    set_scene(driver, slot, rule)
    guest = replace(GUEST, blocked_in=("room",)) if rule == "blocked" else GUEST
    explained = driver.service.explain(guest, slot)
    assert [one["rule"] for one in explained] == RULES
    wrong = [one for one in explained if not one["ok"]]
    assert [one["rule"] for one in wrong] == ([rule] if rule else [])
    held, booked = driver.together(
        [HoldSlot(principal=guest, key=new_key(), slot=slot), booking(slot, principal=guest)]
    )
    told = [(one["code"], one["message"]) for one in wrong]
    assert told == said(held)
    if rule is not None:
        assert said(booked) == ([] if rule == "max_holds" else told)
        assert is_bookable(explained) is not isinstance(booked, Refused)


def test_explain_refuses_a_principal_without_the_viewing_right(driver: Driver) -> None:
    """A removed or unknown slot is not found."""
    slot, gone = driver.open(2)
    driver.service.run(RemoveSlot(principal=STAFF, slot=gone))
    for name in (gone, "", "\ud800"):
        with pytest.raises(NotFound):
            driver.service.explain(GUEST, name)
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", visibility="private"))
    with pytest.raises(Unauthorized):
        driver.service.explain(GUEST, slot)
    assert all(one["ok"] for one in driver.service.explain(Principal(subject="x", calendars=frozenset({"room"})), slot))
