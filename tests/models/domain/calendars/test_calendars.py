"""Calendars: visibility, booking rights and policies."""

from __future__ import annotations

from typing import Any

import pytest

from models.contract.changes import Policy
from models.contract.commands.calendars import ArchiveCalendar, CreateCalendar, RestoreCalendar, UpdateCalendar
from models.contract.commands.slots import CloseSlot, UpdateSlot
from models.contract.errors import AlreadyExists, BadRequest, Forbidden, InvalidTransition, NotFound, Unauthorized
from models.contract.principal import Principal, Role
from models.contract.values.time import HOUR
from models.query.explain import is_bookable
from tests.models.driver import EVER, GUEST, STAFF, Driver, Viewer, results


def create(driver: Driver, calendar: str = "other", **fields: Any) -> Any:
    fields = {"principal": STAFF, "name": "Other", "zone": "Europe/Vienna", **fields}
    return results(driver.service.run(CreateCalendar(calendar=calendar, **fields)))


def update(driver: Driver, **fields: Any) -> Any:
    return results(driver.service.run(UpdateCalendar(**{"principal": STAFF, "calendar": "room", **fields})))


def test_the_default_policy_refuses_nothing_but_the_past(driver: Driver) -> None:
    """A calendar's info has the fields of the protocol."""
    assert create(driver)["policy"] == {
        "hold_seconds": 300,
        "min_notice": 0,
        "max_advance": None,
        "cancel_notice": 0,
        "buffer_before": 0,
        "buffer_after": 0,
        "overlap": "reject",
        "max_holds": 10,
        "confirmation": "none",
        "max_bookings": None,
        "max_bookings_per_day": None,
        "pending_seconds": None,
        "place": None,
        "phone": "off",
        "questions": [],
        "verification": "none",
    }


@pytest.mark.parametrize("calendar", ["", "-a", "A", "ä", "a" * 64, "a b", "a\n", "\ud800", "\0", "a" * 100_000])
def test_an_id_is_a_slug(driver: Driver, calendar: str) -> None:
    """Any other id is a bad request in `calendar.create`, and not found or refused elsewhere."""
    with pytest.raises(BadRequest):
        create(driver, calendar)
    with pytest.raises(NotFound):
        update(driver, calendar=calendar)
    with pytest.raises(NotFound):
        driver.service.snapshot(calendar, -EVER, EVER)


@pytest.mark.parametrize(
    "zone", ["", "Nowhere/At_All", "../../etc/passwd", "/etc/localtime", "\0", "\ud800", "x" * 999]
)
def test_a_zone_is_an_iana_name(driver: Driver, zone: str) -> None:
    """A path and any other text is a bad request."""
    with pytest.raises(BadRequest):
        create(driver, zone=zone)
    with pytest.raises(BadRequest):
        update(driver, zone=zone)


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
def test_a_policy_is_kept_within_bounds(driver: Driver, policy: dict[str, Any]) -> None:
    """A bad policy is a bad request, and leaves the policy unchanged."""
    with pytest.raises(BadRequest):
        create(driver, policy=policy)
    with pytest.raises(BadRequest):
        update(driver, policy=policy)
    assert driver.service.snapshot("room", -EVER, EVER).info.policy == Policy()


@pytest.mark.parametrize("name", ["", " ", "n" * 201, "\0", "\ud800"])
def test_a_name_is_kept_within_bounds(driver: Driver, name: str) -> None:
    """One to 200 characters."""
    with pytest.raises(BadRequest):
        create(driver, name=name)
    with pytest.raises(BadRequest):
        update(driver, name=name)


@pytest.mark.parametrize("fields", [{"visibility": "hidden"}, {"booking": "nobody"}])
def test_a_word_that_is_no_choice_is_refused(driver: Driver, fields: dict[str, Any]) -> None:
    """A command past the wire's check fails at the table's CHECK."""
    for attempt in (create, update):
        with pytest.raises((BadRequest, InvalidTransition)):
            attempt(driver, **fields)


def test_the_policy_is_merged(driver: Driver) -> None:
    """A field that is not given keeps its value."""
    update(driver, policy={"min_notice": 60, "max_advance": 86_400})
    info = update(driver, policy={"max_advance": None}, name="Renamed")
    assert (info["policy"]["min_notice"], info["policy"]["max_advance"], info["name"]) == (60, None, "Renamed")


def test_an_archived_calendar_stays_as_it_is(driver: Driver) -> None:
    """It can be read and archived again without a change; nothing in it can be booked or changed."""
    (slot,) = driver.open()
    first = driver.service.run(ArchiveCalendar(principal=STAFF, calendar="room"))
    assert driver.service.run(ArchiveCalendar(principal=STAFF, calendar="room")) == first
    assert results(first)["archived"] is True
    for refused in (
        lambda: driver.hold(slot),
        lambda: driver.reserve(slot),
        lambda: update(driver, name="x"),
        driver.open,
    ):
        with pytest.raises(InvalidTransition):
            refused()
    assert set(driver.slots()) == {slot}


def test_nothing_in_an_archived_calendar_is_listed_as_bookable(driver: Driver) -> None:
    """The snapshot, the feed, the log and the explanation agree, for the past and the future."""
    open_, closed, full, past = driver.open(4)
    driver.service.run(
        UpdateSlot(principal=STAFF, slot=past, start=driver.clock.now + HOUR, end=driver.clock.now + 2 * HOUR)
    )
    driver.service.run(CloseSlot(principal=STAFF, slot=closed))
    driver.cancel(driver.reserve(full))
    driver.reserve(past)
    driver.clock.go(2 * 3_600)
    viewer = Viewer(driver.service, "room")
    assert [slot["bookable"] for slot in viewer.slots.values()] == [False, True, False, True]
    driver.service.run(ArchiveCalendar(principal=STAFF, calendar="room"))
    viewer.follow()
    for slots in (driver.slots(), viewer.slots):
        assert {name: (slot["bookable"], slot["status"]) for name, slot in slots.items()} == {
            past: (False, "booked"),
            open_: (False, "open"),
            closed: (False, "closed"),
            full: (False, "open"),
        }
    shown = {slot[0]: slot[3] for slot in driver.service.feed("room", -EVER, EVER, most=9).slots}
    assert shown == {past: "booked", open_: "closed", closed: "closed", full: "closed"}
    assert not any(is_bookable(driver.service.explain(GUEST, slot)) for slot in driver.slots())


def test_an_archived_calendar_is_restored(driver: Driver) -> None:
    """Everything in it is as it was, and a viewer sees it by changes alone; restoring again is no change."""
    (slot,) = driver.open()
    viewer = Viewer(driver.service, "room")
    with pytest.raises(Unauthorized):
        driver.service.run(RestoreCalendar(principal=GUEST, calendar="room"))
    driver.service.run(ArchiveCalendar(principal=STAFF, calendar="room"))
    first = driver.service.run(RestoreCalendar(principal=STAFF, calendar="room"))
    assert driver.service.run(RestoreCalendar(principal=STAFF, calendar="room")) == first
    assert results(first)["archived"] is False
    assert [change["type"] for change in viewer.follow()] == ["calendar.archived", "calendar.restored"]
    viewer.check()
    assert driver.slot(slot)["bookable"] is True
    driver.reserve(slot)


def test_only_staff_make_calendars(driver: Driver) -> None:
    """A guest is unauthorized; staff of other calendars are forbidden."""
    with pytest.raises(Unauthorized):
        create(driver, principal=GUEST)
    with pytest.raises(Forbidden):
        create(driver, principal=Principal(subject="s", role=Role.STAFF, calendars=frozenset({"room"})))
    create(driver, principal=Principal(subject="s", role=Role.STAFF, calendars=frozenset({"other"})))
    with pytest.raises(AlreadyExists):
        create(driver)
    assert [info.id for info in driver.service.calendars()] == ["other", "room"]


def test_a_calendar_that_there_is_not_is_not_found(driver: Driver) -> None:
    """Staff get `not_found` for an unknown calendar; guests are refused without a word of it."""
    for command in (
        UpdateCalendar(principal=STAFF, calendar="none", name="x"),
        ArchiveCalendar(principal=STAFF, calendar="none"),
    ):
        with pytest.raises(NotFound):
            driver.service.run(command)
    with pytest.raises(Unauthorized):
        driver.service.run(ArchiveCalendar(principal=GUEST, calendar="room"))
