"""The limits on requests: a budget for each address, so that one client cannot overload the server."""

from __future__ import annotations

from collections import OrderedDict

from models.contract.errors import RateLimited
from realtime.access.auth import holder_address
from realtime.engine import AddressBudget, Budget, Rates

_MOST_ADDRESSES = 10_000
_LOOKS = 16


def check(wait_ns: int) -> None:
    """Raise RateLimited with the seconds to wait, if there are any."""
    if wait_ns:
        raise RateLimited(retry_after=max(0.001, round(wait_ns / 1e9, 3)))


class Addresses:
    """A budget for each address (for IPv6 its /64). The addresses not seen for longest are forgotten.

    `rate` is the requests a second of one connection, 0 for no limit; an address may send `factor` times as
    many, and have `most_open` connections, 0 for any number.
    """

    def __init__(self, rate: float, factor: float, most_open: int = 0) -> None:
        self._rates = Rates.of(rate)
        self._address_rates = Rates.of(rate * factor)
        self._most_open = most_open
        self._budgets: OrderedDict[str, AddressBudget] = OrderedDict()

    def of(self, address: str) -> AddressBudget:
        """Return the budget that all connections of this address share."""
        holder = holder_address(address)
        budget = self._budgets.get(holder)
        if budget is None:
            budget = self._budgets[holder] = AddressBudget(self._address_rates, self._rates, self._most_open)
            if len(self._budgets) > _MOST_ADDRESSES:
                self._forget_one()
        else:
            self._budgets.move_to_end(holder)
        return budget

    def connect(self, address: str) -> Budget:
        """Return the budget of a new connection of this address."""
        return self.of(address).connect()

    def _forget_one(self) -> None:
        """Forget the oldest address without an open connection, among the first few."""
        for _ in range(_LOOKS):
            holder, budget = self._budgets.popitem(last=False)
            if not budget.open_count and not budget.polling_count:
                return
            self._budgets[holder] = budget
