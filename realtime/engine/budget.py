"""Limits the data of a client by the budget of its connection, and by the shared budget of its address.

Both count requests and packets, with one more packet for every 16 KB. `request` refuses requests above the rate.
`take` disconnects a client that goes on sending, once it is twelve seconds ahead of the rate of its packets. The
algorithm is the generic cell rate algorithm: a budget is the instant, in nanoseconds, at which it is full again.
"""

from time import monotonic_ns
from typing import Final, NamedTuple, Self

from realtime.engine.reading_line import Conduct

_SECOND_NS: Final = 1_000_000_000
BURST_NS: Final = 2 * _SECOND_NS  # requests of two seconds may come at once
LENIENCE_NS: Final = 12 * _SECOND_NS  # packets of twelve seconds may come at once
FAIR_NS: Final = _SECOND_NS  # a connection that has used less is not disconnected for its neighbours
_LEFT_NS: Final = LENIENCE_NS - _SECOND_NS  # a new connection begins with at most so much debt, so that it can join
_LONGEST_DEBT_NS: Final = 60 * _SECOND_NS
_PACKETS_A_REQUEST: Final = 1.25  # pongs and DISCONNECTs come on top of the requests
_COST_SHIFT: Final = 14  # 16 KB
MOST_COST: Final = 64  # of one packet: 1 MB
CUT_OFF: Final = -1
RATE_LIMITED: Final = "rate limited"  # the reason of a disconnected client


class Rates(NamedTuple):
    """Nanoseconds per request and per packet, and the greatest lead for one more request. All 0 is no limit."""

    request_ns: int
    packet_ns: int
    room_ns: int

    @classmethod
    def of(cls, requests_a_second: float) -> Self:
        """Return the rates of so many requests a second; 0 for no limit."""
        if not requests_a_second:
            return cls(0, 0, BURST_NS)
        request_ns = int(_SECOND_NS / requests_a_second)
        return cls(request_ns, int(request_ns / _PACKETS_A_REQUEST), max(0, BURST_NS - request_ns))


class Budget:
    """The budget of one connection, beside the one of its address."""

    __slots__ = ("_packets_at", "_rates", "_requests_at", "address")

    def __init__(self, rates: Rates, address: "AddressBudget | None" = None) -> None:
        self._rates = rates
        self._packets_at = 0
        self._requests_at = 0
        self.address = address

    def take(self, cost: int) -> int:
        """Charge for packets. Return 0, CUT_OFF, or the nanoseconds by which the address is over its budget.

        While the address is over, only a connection that has spent more than a second's worth itself is disconnected.
        """
        now = monotonic_ns()
        ahead = self._packets_at - now
        if ahead <= 0:
            ahead = 0
        elif ahead >= LENIENCE_NS:
            return CUT_OFF
        self._packets_at = now + ahead + cost * self._rates.packet_ns
        address = self.address
        if address is None:
            return 0
        over = address.charge(cost, now)
        return over if not over or ahead <= FAIR_NS else CUT_OFF

    def request(self) -> int:
        """Charge for one request. Return 0, or the nanoseconds after which it would be granted."""
        now = monotonic_ns()
        address = self.address
        wait = self._wait(now) or (address._wait(now) if address is not None else 0)  # noqa: SLF001 - of its own kind
        if not wait:
            self._grant(now)
            if address is not None:
                address._grant(now)  # noqa: SLF001
        return wait

    def _wait(self, now: int) -> int:
        wait = self._requests_at - now - self._rates.room_ns
        return wait if wait > 0 else 0  # noqa: FURB136 - a call of max costs as much as all the rest

    def _grant(self, now: int) -> None:
        at = self._requests_at
        self._requests_at = (at if at > now else now) + self._rates.request_ns  # noqa: FURB136

    def open(self, *, is_polling: bool = False) -> None:
        """Count a session or a stream of the address."""
        if self.address is not None:
            self.address.polling_count += is_polling
            self.address.open_count += not is_polling

    def upgrade(self) -> None:
        """Count a polling session as a socket from now on."""
        if self.address is not None:
            self.address.polling_count -= 1
            self.address.open_count += 1

    def add_socket(self) -> None:
        """Count a further socket of a session."""
        if self.address is not None:
            self.address.open_count += 1

    def remove_socket(self) -> None:
        """Count the end of a further socket."""
        if self.address is not None:
            self.address.open_count -= 1

    def close(self, *, is_polling: bool = False) -> None:
        """Count the end of a connection. The next one of the address begins with its debt."""
        address = self.address
        if address is not None:
            address.polling_count -= is_polling
            address.open_count -= not is_polling
            address.left_packets_at = max(address.left_packets_at, self._packets_at)
            address.left_requests_at = max(address.left_requests_at, self._requests_at)

    @property
    def is_crowded(self) -> bool:
        """Return whether the address has more connections than allowed, or the allowed number of polling sessions."""
        address = self.address
        if address is None or not address.most_open:
            return False
        return self.is_full or address.polling_count >= address.most_open

    @property
    def is_full(self) -> bool:
        """Return whether the address has more connections than allowed."""
        address = self.address
        return address is not None and 0 < address.most_open < address.open_count


class AddressBudget(Budget):
    """The shared budget of one address, with its open connections and its plain HTTP requests."""

    __slots__ = (
        "_connection_rates",
        "_http",
        "conduct",
        "left_packets_at",
        "left_requests_at",
        "most_open",
        "open_count",
        "polling_count",
    )

    def __init__(self, rates: Rates, connection_rates: Rates, most_open: int = 0) -> None:
        super().__init__(rates)
        self._connection_rates = connection_rates
        self._http = Budget(connection_rates)  # HTTP has no sessions: its requests count as one connection
        self.conduct: Conduct | None = None  # of its requests over HTTP, in an overload
        self.most_open = most_open  # 0 for no limit
        self.open_count = 0  # sockets of sessions and streams
        self.polling_count = 0  # polling sessions: their sockets come and go
        self.left_packets_at = 0
        self.left_requests_at = 0

    def connect(self) -> Budget:
        """Return the budget of a new connection. It inherits the debt of the last one."""
        budget = Budget(self._connection_rates, self)
        budget._packets_at = min(self.left_packets_at, monotonic_ns() + _LEFT_NS)  # noqa: SLF001 - of its own kind
        budget._requests_at = self.left_requests_at  # noqa: SLF001
        return budget

    def add_socket(self) -> None:
        """Count a connection of the address."""
        self.open_count += 1

    def remove_socket(self) -> None:
        """Count the end of a connection."""
        self.open_count -= 1

    def take_http(self, cost: int) -> int:
        """Charge for an HTTP request with its body, as `take` does."""
        return self._http.take(cost) or self.charge(cost, monotonic_ns())

    def request_http(self) -> int:
        """Charge for one request over HTTP, as `request` does."""
        now = monotonic_ns()
        wait = self._http._wait(now) or self._wait(now)  # noqa: SLF001 - of its own kind
        if not wait:
            self._http._grant(now)  # noqa: SLF001
            self._grant(now)
        return wait

    def charge(self, cost: int, now: int) -> int:
        """Charge for packets. Return the nanoseconds by which the address was over its budget."""
        ahead = self._packets_at - now
        over = 0
        if ahead <= 0:
            ahead = 0
        elif ahead >= LENIENCE_NS:
            over = ahead - LENIENCE_NS + 1
            ahead = min(ahead, _LONGEST_DEBT_NS)
        self._packets_at = now + ahead + cost * self._rates.packet_ns
        return over


def cost_of(size: int) -> int:
    """Return the cost, in packets, of one packet of so many bytes."""
    return min(MOST_COST, 1 + (size >> _COST_SHIFT))
