"""The proof of work: made once, good once, and needed by guests of a calendar that asks for it."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from typing import Any

import pytest

from models.contract.commands.bookings import BookSlot, Person
from models.contract.commands.holds import HoldSlot
from models.contract.errors import PolicyRefused
from models.contract.principal import Principal
from models.contract.values.proof import CHALLENGE_SECONDS, Challenge, make_challenge
from tests.models.driver import GUEST, STAFF, Driver, FakeClock, held, new_key, results


def solve(challenge: Challenge, /, **changed: Any) -> str:
    """Return the proof of a challenge, as a client makes it."""
    for number in range(challenge.maxnumber + 1):
        if hashlib.sha256(f"{challenge.salt}{number}".encode()).hexdigest() == challenge.challenge:
            fields = {
                "algorithm": challenge.algorithm, "challenge": challenge.challenge, "number": number,
                "salt": challenge.salt, "signature": challenge.signature, **changed,
            }  # fmt: skip
            return b64encode(json.dumps(fields).encode()).decode()
    raise AssertionError(challenge)


def _new(driver: Driver) -> Challenge:
    return make_challenge(driver.service.tokens, driver.clock.now, 50)


def _hold(slot: str, key: str = "", **fields: Any) -> HoldSlot:
    return HoldSlot(**{"principal": GUEST, "key": key or new_key(), "slot": slot, **fields})


def test_a_guest_takes_seats_with_a_proof_only(driver: Driver) -> None:
    """A hold needs one, and a booking without a hold; a booking of held seats does not."""
    driver.create("shop", verification="proof")
    first, second = driver.open(2)
    ada = Person(name="Ada")
    for command in (_hold(first), BookSlot(principal=GUEST, key=new_key(), slot=first, customer=ada)):
        with pytest.raises(PolicyRefused) as refused:
            driver.service.run(command)
        assert refused.value.details["rule"] == "proof"
    hold = results(driver.service.run(_hold(first, proof=solve(_new(driver)))))
    book = BookSlot(principal=GUEST, key=new_key(), slot=first, customer=ada, hold=held(hold))
    assert results(driver.service.run(book))["status"] == "confirmed"
    direct = BookSlot(principal=GUEST, key=new_key(), slot=second, customer=ada, proof=solve(_new(driver)))
    assert results(driver.service.run(direct))["status"] == "confirmed"


def test_a_proof_is_good_once(driver: Driver) -> None:
    """Another command with it is refused; the same command gets its first answer again, with any proof."""
    driver.create("shop", verification="proof")
    first, second = driver.open(2)
    proof, key = solve(_new(driver)), new_key()
    hold = results(driver.service.run(_hold(first, key, proof=proof)))
    assert results(driver.service.run(_hold(first, key, proof="another"))) == hold
    with pytest.raises(PolicyRefused):
        driver.service.run(_hold(second, proof=proof))


def test_a_refused_command_leaves_its_proof_good(driver: Driver) -> None:
    """A full slot costs the client no second proof."""
    driver.create("shop", verification="proof")
    first, second = driver.open(2)
    driver.service.run(_hold(first, principal=STAFF))
    proof = solve(_new(driver))
    outcomes = driver.together([_hold(first, proof=proof), _hold(second, proof=proof)])
    assert [getattr(outcome, "code", "ok") for outcome in outcomes] == ["slot_unavailable", "ok"]


def test_who_has_a_token_needs_no_proof(driver: Driver) -> None:
    """Staff and named customers are known."""
    driver.create("shop", verification="proof")
    named = Principal(subject="ada", calendars=frozenset({"shop"}))
    for principal, slot in zip((STAFF, named), driver.open(2), strict=True):
        driver.service.run(_hold(slot, principal=principal))


def test_a_forged_or_old_proof_is_refused(driver: Driver, clock: FakeClock) -> None:
    """Another number, another end, another signature, another challenge and no base64 are no proof."""
    driver.create("shop", verification="proof")
    (slot,) = driver.open()
    challenge = _new(driver)
    easy = hashlib.sha256(f"{challenge.salt}1".encode()).hexdigest()
    later = challenge.salt.replace("expires=", "expires=9")
    forged = [
        "", "?", b64encode(b"{}").decode(), b64encode(b"\xff").decode(), solve(challenge, number=51),
        solve(challenge, signature="x"), solve(challenge, salt=later), solve(challenge, challenge=easy, number=1),
        solve(challenge, algorithm="SHA-1"), solve(challenge, number=-1),
    ]  # fmt: skip
    for proof in forged:
        with pytest.raises(PolicyRefused):
            driver.service.run(_hold(slot, proof=proof))
    clock.go(CHALLENGE_SECONDS)
    with pytest.raises(PolicyRefused):
        driver.service.run(_hold(slot, proof=solve(challenge)))
