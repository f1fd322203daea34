"""Budgets: the grants of one connection and of its address, and the rest that the next connection inherits."""

import pytest

from realtime.engine import AddressBudget, Budget, Rates, cost_of
from realtime.engine.budget import CUT_OFF, MOST_COST

SECOND_NS = 1_000_000_000


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let time stand still until a test moves it on, in nanoseconds."""
    now = [10 * SECOND_NS]
    monkeypatch.setattr("realtime.engine.budget.monotonic_ns", lambda: now[0])
    return now


def _address(rate: float, factor: float = 10) -> AddressBudget:
    return AddressBudget(Rates.of(rate * factor), Rates.of(rate))


def _granted(budget: Budget, tries: int) -> int:
    return sum(not budget.request() for _ in range(tries))


def test_requests(clock: list[int]) -> None:
    """The budget is two seconds' worth at once, then the rate; the wait is returned, and refusals cost nothing."""
    budget = _address(10).connect()
    assert _granted(budget, 500) == 20
    assert budget.request() == SECOND_NS // 10
    clock[0] += SECOND_NS
    assert _granted(budget, 500) == 10
    clock[0] += 100 * SECOND_NS
    assert _granted(budget, 500) == 20
    rare = _address(0.001).connect()
    assert (_granted(rare, 5), rare.request()) == (1, 1_000 * SECOND_NS)


def test_packets() -> None:
    """The budget is twelve seconds' worth at once, a quarter more than requests; then the client is closed."""
    budget = _address(10).connect()
    assert [budget.take(1) for _ in range(151)] == [0] * 150 + [CUT_OFF]
    heavy = _address(10).connect()
    assert heavy.take(MOST_COST) == heavy.take(MOST_COST) == heavy.take(MOST_COST) == 0
    assert heavy.take(1) == CUT_OFF


def test_no_limit() -> None:
    """A rate of 0 grants everything."""
    budget = _address(0).connect()
    assert _granted(budget, 10_000) == 10_000
    assert not any(budget.take(MOST_COST) for _ in range(10_000))


def test_an_address(clock: list[int]) -> None:
    """An address has the factor's multiple; a client with little use waits, one with much use is closed."""
    address = _address(10, factor=2)
    every = [address.connect() for _ in range(5)]
    assert sum(_granted(budget, 20) for budget in every) == 40
    greedy, quiet = address.connect(), address.connect()
    assert not any(greedy.take(1) for _ in range(20))
    while not address.connect().take(1):
        pass
    assert greedy.take(1) == CUT_OFF
    assert 0 < quiet.take(1) <= SECOND_NS
    clock[0] += 2 * SECOND_NS
    assert quiet.take(1) == 0


def test_a_new_connection_inherits_the_spent_budget(clock: list[int]) -> None:
    """The next connection of an address starts with the last one's budget, but may join."""
    address = _address(10)
    first = address.connect()
    first.open()
    assert _granted(first, 100) == 20
    while not first.take(1):
        pass
    first.close()
    second = address.connect()
    assert _granted(second, 100) == 0
    assert [second.take(1) for _ in range(14)] == [0] * 13 + [CUT_OFF]
    clock[0] += 20 * SECOND_NS
    assert _granted(address.connect(), 100) == 20


def test_http_of_an_address() -> None:
    """All requests over plain HTTP of an address are one connection's."""
    address = _address(10)
    assert sum(not address.request_http() for _ in range(100)) == 20
    assert [address.take_http(1) for _ in range(151)] == [0] * 150 + [CUT_OFF]
    assert _granted(address.connect(), 100) == 20


def test_costs() -> None:
    """A packet is one, and one more for each 16 KB; never more than the largest message's."""
    assert [cost_of(size) for size in (0, 16_383, 16_384, 1_000_000, 1 << 40)] == [1, 1, 2, 62, MOST_COST]
