"""A calendar asks for a place, a phone number, and up to ten questions with their answers in the booking's data."""

from __future__ import annotations

from typing import Any

import pytest

from models.contract.commands.bookings import BookSlot, NewDetails, Person, UpdateBooking
from models.contract.commands.calendars import UpdateCalendar
from models.contract.errors import BadRequest
from models.contract.principal import Principal
from tests.models.driver import GUEST, STAFF, Driver, new_key, results

PETS = {"label": "Which pet?", "required": True, "choices": ["Cat", "Dog"]}
WHY = {"label": "Why?", "required": False, "choices": []}


def ask(driver: Driver, **policy: Any) -> dict[str, Any]:
    """Change the policy of the calendar; return it."""
    info = results(driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy=policy)))
    asked: dict[str, Any] = info["policy"]
    return asked


def book(driver: Driver, principal: Principal = GUEST, phone: str | None = None, **data: Any) -> dict[str, Any]:
    command = BookSlot(
        principal=principal, key=new_key(), slot=driver.open()[0], customer=Person(name="Ada", phone=phone), data=data
    )
    booked: dict[str, Any] = results(driver.service.run(command))
    return booked


def test_the_questions_and_the_place_are_in_the_info(driver: Driver) -> None:
    """They are trimmed, a field left out has its default, and an empty place is none."""
    policy = ask(driver, place="  Main street 1 ", phone="optional", questions=[PETS, {"label": " Why? "}])
    assert (policy["place"], policy["phone"]) == ("Main street 1", "optional")
    assert policy["questions"] == [PETS, WHY]
    assert ask(driver, min_notice=60)["questions"] == [PETS, WHY], "the policy is merged field by field"
    assert ask(driver, place="", questions=[]) | {"place": None, "questions": []} == ask(driver)


@pytest.mark.parametrize(
    "policy",
    [
        {"place": "x" * 201},
        {"place": "a\nb"},
        {"phone": "maybe"},
        {"questions": [WHY] * 2},
        {"questions": [{"label": str(number)} for number in range(11)]},
        {"questions": [{"label": "x" * 121}]},
        {"questions": [{"label": f"{number}" * 100, "choices": ["y" * 100] * 10} for number in range(5)]},
        {"questions": [{"label": " "}]},
        {"questions": [{"label": "x", "choices": [""]}]},
        {"questions": [{"label": "x", "choices": "y"}]},
        {"questions": [{"label": "x", "demanded": True}]},
        {"questions": ["x"]},
        {"questions": None},
    ],
)
def test_what_is_no_question_is_refused(driver: Driver, policy: dict[str, Any]) -> None:
    """The refusal names the policy's field, and nothing changes."""
    before = ask(driver)
    with pytest.raises(BadRequest) as refused:
        ask(driver, **policy)
    assert refused.value.details["field"] in {"policy", f"policy.{next(iter(policy))}"}
    assert ask(driver) == before


def test_a_needed_phone_number_is_needed_of_customers(driver: Driver) -> None:
    """Neither a booking nor its change does without it; staff book without."""
    ask(driver, phone="required")
    with pytest.raises(BadRequest) as refused:
        book(driver)
    assert refused.value.details == {"field": "customer.phone"}
    booked = book(driver, phone="+43 1 234")
    fields = {"key": new_key(), "booking": booked["id"], "token": booked["token"]}
    with pytest.raises(BadRequest):
        driver.service.run(UpdateBooking(principal=GUEST, **fields, customer=NewDetails(phone=None)))
    book(driver, STAFF)


@pytest.mark.parametrize(
    ("answers", "is_good"),
    [
        ({"Which pet?": "Cat"}, True),
        ({"Which pet?": " Dog ", "Why?": "a\nb", "Which colour?": "asked before"}, True),
        ({}, False),
        ({"Which pet?": ""}, False),
        ({"Which pet?": "Fish"}, False),
        ({"Which pet?": "Cat", "Why?": 7}, False),
        ({"Which pet?": "Cat", "Why?": "x" * 1_001}, False),
        ({"Which pet?": "Cat", "Why?": "\0"}, False),
        (["Cat"], False),
    ],
)
def test_a_customers_answers_are_checked(driver: Driver, answers: Any, is_good: bool) -> None:
    """A needed answer is there and is one of the choices; staff need none."""
    ask(driver, questions=[PETS, WHY])
    if is_good:
        assert book(driver, answers=answers)["status"] == "confirmed"
    else:
        with pytest.raises(BadRequest) as refused:
            book(driver, answers=answers)
        assert refused.value.details["field"] == "data.answers"
        assert book(driver, STAFF, answers=answers)["status"] == "confirmed"


def test_an_older_booking_needs_no_answers(driver: Driver) -> None:
    """Its holder changes the name without them; changed data have them."""
    booked = book(driver)
    ask(driver, phone="required", questions=[PETS])
    fields = {"principal": GUEST, "booking": booked["id"], "token": booked["token"]}
    driver.service.run(UpdateBooking(**fields, key=new_key(), customer=NewDetails(name="Bob")))
    with pytest.raises(BadRequest):
        driver.service.run(UpdateBooking(**fields, key=new_key(), data={"answers": {}}))
    driver.service.run(UpdateBooking(**fields, key=new_key(), data={"answers": {"Which pet?": "Dog"}}))


def test_data_is_free_where_nothing_is_asked(driver: Driver) -> None:
    """A calendar without questions takes any object."""
    assert book(driver, answers=[1, 2])["status"] == "confirmed"
