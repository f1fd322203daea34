"""A copy of a person's data: all of it, and nothing of others."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from models.contract.changes import Customer
from models.contract.principal import OPERATOR, Principal, Role
from tests.models.driver import OTHER, STAFF, Driver, history
from tests.support.eventually import wait_until

MARIE = Principal(subject="marie", calendars=None, address="192.0.2.9")
EMAIL = "marie@example.org"


def _export(driver: Driver, principal: Principal = OPERATOR, **wanted: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {"email": EMAIL, "wanted": None, "page": "", "most": 100, **wanted}
    found: dict[str, Any] = msgspec.to_builtins(driver.service.export(principal, **asked))
    return found


@pytest.fixture
def booked(driver: Driver) -> list[str]:
    """Make three bookings of one person and one of another, in two calendars."""
    ids = []
    for calendar in ("room", "there"):
        if calendar != driver.calendar:
            driver.create(calendar)
        slot, other = driver.open(2, capacity=9)
        customer = Customer(name="Marie", email=EMAIL.upper(), phone="+43 1", note="a note")
        ids.append(driver.reserve(slot, principal=MARIE, customer=customer, data={"a": 1})["id"])
        driver.reserve(slot, principal=OTHER)
        wait_until(lambda: history(driver, with_addresses=True)[0].get("address"), what="the addresses")
    ids.append(driver.reserve(other, principal=STAFF, customer=customer)["id"])
    return ids


def test_all_of_one_person(driver: Driver, booked: list[str]) -> None:
    """The bookings are whole; the entries have the person's `sub` and address, and none of staff's."""
    found = _export(driver)
    assert [one["id"] for one in found["bookings"]] == sorted(booked, reverse=True)
    assert {one["customer"]["note"] for one in found["bookings"]} == {"a note"}
    assert [one.get("data") for one in found["bookings"]].count({"a": 1}) == 2
    assert [(one["calendar"], one["booking"], one["sub"], one["address"]) for one in found["entries"]] == [
        ("room", booked[0], "marie", MARIE.address),
        ("there", booked[1], "marie", MARIE.address),
    ]
    assert "next_page" not in found


def test_a_caller_gets_the_data_of_its_calendars(driver: Driver, booked: list[str]) -> None:
    """Staff who own nothing get no address."""
    staff = Principal(subject="anna", role=Role.STAFF, calendars=frozenset({"there"}))
    found = _export(driver, staff, wanted=("there",))
    assert {one["id"] for one in found["bookings"]} == set(booked[1:])
    assert [one.get("address") for one in found["entries"]] == [None]


def test_pages(driver: Driver, booked: list[str]) -> None:
    """Each booking is on one page."""
    seen, page = [], ""
    while True:
        found = _export(driver, page=page, most=1)
        seen += [one["id"] for one in found["bookings"]]
        page = found.get("next_page", "")
        if not page:
            break
    assert seen == sorted(booked, reverse=True)
