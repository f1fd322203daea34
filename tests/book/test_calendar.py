"""Calendars: who may see them, who may book, and by which policy."""

from __future__ import annotations

from typing import Any

import pytest

from models.change import Policy
from models.clock import HOUR
from models.commands import ArchiveCalendar, Asker, CloseSlot, CreateCalendar, UpdateCalendar, UpdateSlot
from models.errors import AlreadyExists, BadRequest, Forbidden, InvalidTransition, NotFound, Unauthorized
from models.explanation import is_bookable
from tests.book.desk import EVER, GUEST, STAFF, Desk, Viewer, results


def create(desk: Desk, calendar: str = "other", **fields: Any) -> Any:
    fields = {"asker": STAFF, "name": "Other", "zone": "Europe/Vienna", **fields}
    return results(desk.book.run(CreateCalendar(calendar=calendar, **fields)))


def update(desk: Desk, **fields: Any) -> Any:
    return results(desk.book.run(UpdateCalendar(**{"asker": STAFF, "calendar": "room", **fields})))


def test_the_default_policy_refuses_nothing_but_the_past(desk: Desk) -> None:
    """Its fields are those of the protocol."""
    assert create(desk)["policy"] == {
        "hold_seconds": 300,
        "min_notice": 0,
        "max_advance": None,
        "cancel_notice": 0,
        "buffer_before": 0,
        "buffer_after": 0,
        "overlap": "allow",
        "max_holds": 10,
        "confirmation": "none",
    }


@pytest.mark.parametrize("calendar", ["", "-a", "A", "ä", "a" * 64, "a b", "a\n", "\ud800", "\0", "a" * 100_000])
def test_an_id_is_a_slug(desk: Desk, calendar: str) -> None:
    """Anything else is a bad request where it is made, and not found, or refused, where it is asked for."""
    with pytest.raises(BadRequest):
        create(desk, calendar)
    with pytest.raises(NotFound):
        update(desk, calendar=calendar)
    with pytest.raises(NotFound):
        desk.book.snapshot(calendar, -EVER, EVER)


@pytest.mark.parametrize(
    "zone", ["", "Nowhere/At_All", "../../etc/passwd", "/etc/localtime", "\0", "\ud800", "x" * 999]
)
def test_a_zone_is_an_iana_name(desk: Desk, zone: str) -> None:
    """And never a path."""
    with pytest.raises(BadRequest):
        create(desk, zone=zone)
    with pytest.raises(BadRequest):
        update(desk, zone=zone)


@pytest.mark.parametrize(
    "policy",
    [
        {"hold_seconds": 29},
        {"hold_seconds": 1_801},
        {"hold_seconds": 1 << 70},
        {"hold_seconds": "300"},
        {"hold_seconds": 300.5},
        {"hold_seconds": True},
        {"hold_seconds": None},
        {"min_notice": -1},
        {"min_notice": 1 << 70},
        {"max_advance": -1},
        {"cancel_notice": []},
        {"overlap": "perhaps"},
        {"max_holds": 0},
        {"confirmation": "me"},
        {"unheard_of": 1},
        {"\ud800": 1},
        {"overlap": "\ud800"},
    ],
)
def test_a_policy_is_kept_within_bounds(desk: Desk, policy: dict[str, Any]) -> None:
    """What can't be is a bad request, and leaves the policy as it was."""
    with pytest.raises(BadRequest):
        create(desk, policy=policy)
    with pytest.raises(BadRequest):
        update(desk, policy=policy)
    assert desk.book.snapshot("room", -EVER, EVER).info.policy == Policy()


@pytest.mark.parametrize("name", ["", " ", "n" * 201, "\0", "\ud800"])
def test_a_name_is_kept_within_bounds(desk: Desk, name: str) -> None:
    """One to 200 characters."""
    with pytest.raises(BadRequest):
        create(desk, name=name)
    with pytest.raises(BadRequest):
        update(desk, name=name)


@pytest.mark.parametrize("fields", [{"visibility": "hidden"}, {"booking": "nobody"}])
def test_a_word_that_is_no_choice_is_refused(desk: Desk, fields: dict[str, Any]) -> None:
    """Whoever comes past the wire's check meets the table's."""
    for attempt in (create, update):
        with pytest.raises((BadRequest, InvalidTransition)):
            attempt(desk, **fields)


def test_the_policy_is_merged(desk: Desk) -> None:
    """What is not given stays."""
    update(desk, policy={"min_notice": 60, "max_advance": 86_400})
    info = update(desk, policy={"max_advance": None}, name="Renamed")
    assert (info["policy"]["min_notice"], info["policy"]["max_advance"], info["name"]) == (60, None, "Renamed")


def test_an_archived_calendar_stays_as_it_is(desk: Desk) -> None:
    """It can be read and archived again, which is no change; nothing in it can be taken or changed."""
    (slot,) = desk.open()
    first = desk.book.run(ArchiveCalendar(asker=STAFF, calendar="room"))
    assert desk.book.run(ArchiveCalendar(asker=STAFF, calendar="room")) == first
    assert results(first)["archived"] is True
    for refused in (lambda: desk.hold(slot), lambda: desk.reserve(slot), lambda: update(desk, name="x"), desk.open):
        with pytest.raises(InvalidTransition):
            refused()
    assert set(desk.slots()) == {slot}


def test_nothing_in_an_archived_calendar_is_listed_as_bookable(desk: Desk) -> None:
    """The snapshot, the feed, the log and the explanation agree, for the past and the future."""
    open_, closed, full, past = desk.open(4)
    desk.book.run(UpdateSlot(asker=STAFF, slot=past, start=desk.clock.now + HOUR, end=desk.clock.now + 2 * HOUR))
    desk.book.run(CloseSlot(asker=STAFF, slot=closed))
    desk.cancel(desk.reserve(full))
    desk.reserve(past)
    desk.clock.go(2 * 3_600)
    viewer = Viewer(desk.book, "room")
    assert [slot["bookable"] for slot in viewer.slots.values()] == [False, True, False, True]
    desk.book.run(ArchiveCalendar(asker=STAFF, calendar="room"))
    viewer.follow()
    for slots in (desk.slots(), viewer.slots):
        assert {name: (slot["bookable"], slot["status"]) for name, slot in slots.items()} == {
            past: (False, "booked"),
            open_: (False, "open"),
            closed: (False, "closed"),
            full: (False, "open"),
        }
    shown = {slot[0]: slot[3] for slot in desk.book.feed("room", -EVER, EVER, most=9).slots}
    assert shown == {past: "booked", open_: "closed", closed: "closed", full: "closed"}
    assert not any(is_bookable(desk.book.explain(GUEST, slot)) for slot in desk.slots())


def test_only_staff_make_calendars(desk: Desk) -> None:
    """A guest is unauthorized; staff of other calendars are forbidden."""
    with pytest.raises(Unauthorized):
        create(desk, asker=GUEST)
    with pytest.raises(Forbidden):
        create(desk, asker=Asker(subject="s", is_staff=True, calendars=frozenset({"room"})))
    create(desk, asker=Asker(subject="s", is_staff=True, calendars=frozenset({"other"})))
    with pytest.raises(AlreadyExists):
        create(desk)
    assert [info.id for info in desk.book.calendars()] == ["other", "room"]


def test_a_calendar_that_there_is_not_is_not_found(desk: Desk) -> None:
    """For staff; others are not told."""
    for command in (
        UpdateCalendar(asker=STAFF, calendar="none", name="x"),
        ArchiveCalendar(asker=STAFF, calendar="none"),
    ):
        with pytest.raises(NotFound):
            desk.book.run(command)
    with pytest.raises(Unauthorized):
        desk.book.run(ArchiveCalendar(asker=GUEST, calendar="room"))
