"""The limit on log-ins."""

import pytest

from models.contract.errors import RateLimited
from realtime.access.sign_in_limit import ADDRESS_SECONDS, NAME_SECONDS, TRIES, SignInLimit


class _Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_tries_of_an_address_and_for_a_name() -> None:
    """Each has so many; then they come back one by one. A success takes none."""
    clock = _Clock()
    limit = SignInLimit(clock)
    for number in range(TRIES):
        limit.check("192.0.2.1", f"name {number}")
    with pytest.raises(RateLimited) as refused:
        limit.check("192.0.2.1", "another")
    assert 0 < refused.value.details["retry_after"] <= ADDRESS_SECONDS
    limit.check("198.51.100.1", "another")
    clock.now += ADDRESS_SECONDS
    limit.check("192.0.2.1", "another")
    for number in range(TRIES):
        limit.check(f"203.0.113.{number}", "anna")
    with pytest.raises(RateLimited):
        limit.check("203.0.113.99", "anna")
    clock.now += NAME_SECONDS
    for _ in range(3 * TRIES):
        limit.check("203.0.113.98", "anna")
        limit.succeed("203.0.113.98", "anna")


def test_strangers_lock_no_owner_out() -> None:
    """Tries of other addresses use up none of an address that has signed in, whose own are bounded too."""
    limit = SignInLimit(_Clock())
    limit.check("192.0.2.1", "anna")
    limit.succeed("192.0.2.1", "anna")
    for number in range(TRIES):
        limit.check(f"203.0.113.{number}", "anna")
    with pytest.raises(RateLimited):
        limit.check("203.0.113.99", "anna")
    limit.check("192.0.2.1", "anna")
    limit.succeed("192.0.2.1", "anna")
    for _ in range(TRIES):
        limit.check("192.0.2.1", "anna")
    for address in ("192.0.2.1", "203.0.113.99"):
        with pytest.raises(RateLimited):
            limit.check(address, "anna")
