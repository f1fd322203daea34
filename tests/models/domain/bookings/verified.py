"""Steps of the tests of verified bookings."""

from __future__ import annotations

from typing import Any

import msgspec

from models.contract.commands.background import ClaimMails
from models.contract.commands.bookings import VerifyBooking
from tests.models.driver import GUEST, Driver, booking


def book(driver: Driver, slot: str = "", **fields: Any) -> dict[str, Any]:
    answer = driver.service.run(booking(slot or driver.open()[0], **fields))
    booked: dict[str, Any] = msgspec.json.decode(answer.result)["booking"]
    return booked


def orders(driver: Driver) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = msgspec.json.decode(driver.service.run(ClaimMails()).result)["mails"]
    return found


def verify(driver: Driver, booked: dict[str, Any], code: str, *, token: str | None = None) -> dict[str, Any]:
    command = VerifyBooking(
        principal=GUEST, booking=booked["id"], code=code, token=booked["token"] if token is None else token
    )
    told: dict[str, Any] = msgspec.json.decode(driver.service.run(command).result)
    return told
