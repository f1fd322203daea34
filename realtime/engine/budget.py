"""How much a client may send: the budget of one connection, and the one that all connections of its address share.

Both count packets, with one more for every 16 KB, and requests. Who asks faster than the rate is refused (`request`).
Who goes on sending all the same is cut off (`take`): by then it is twelve seconds ahead of the rate of its packets.
The numbers are the generic cell rate algorithm's: the instant at which a budget is whole again, in nanoseconds.
"""

from time import monotonic_ns
from typing import Final, NamedTuple, Self

_SECOND_NS: Final = 1_000_000_000
BURST_NS: Final = 2 * _SECOND_NS  # requests at once: those of two seconds
LENIENCE_NS: Final = 12 * _SECOND_NS  # packets at once: those of twelve
FAIR_NS: Final = _SECOND_NS  # of its own budget; who has used no more is not cut off for its neighbours
_LEFT_NS: Final = LENIENCE_NS - _SECOND_NS  # of it, at most, a new connection begins with: it may join
_LONGEST_DEBT_NS: Final = 60 * _SECOND_NS
_PACKETS_A_REQUEST: Final = 1.25  # pongs and goodbyes come on top of the requests
_COST_SHIFT: Final = 14  # 16 KB
MOST_COST: Final = 64  # of one packet: 1 MB
CUT_OFF: Final = -1
RATE_LIMITED: Final = "rate limited"  # the reason of a connection that was cut off


class Rates(NamedTuple):
    """Nanoseconds a request and a packet, and how far ahead the requests may be for one more. All 0 is no limit."""

    request_ns: int
    packet_ns: int
    room_ns: int

    @classmethod
    def of(cls, requests_a_second: float) -> Self:
        """The rates that allow so many requests a second; 0 for no limit."""
        if not requests_a_second:
            return cls(0, 0, BURST_NS)
        request_ns = int(_SECOND_NS / requests_a_second)
        return cls(request_ns, int(request_ns / _PACKETS_A_REQUEST), max(0, BURST_NS - request_ns))


class Budget:
    """One connection's, beside the one of its address."""

    __slots__ = ("_packets_at", "_rates", "_requests_at", "address")

    def __init__(self, rates: Rates, address: "AddressBudget | None" = None) -> None:
        self._rates = rates
        self._packets_at = 0
        self._requests_at = 0
        self.address = address

    def take(self, cost: int) -> int:
        """Charge for packets. 0 for go on, CUT_OFF, or for how many nanoseconds the address is over its budget.

        While the address is over, only those are cut off that have spent more than a second's worth themselves.
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
        """Charge for one request. 0, or after how many nanoseconds it would have been granted."""
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
        """Count a session or a stream among those of the address."""
        if self.address is not None:
            self.address.polling_count += is_polling
            self.address.open_count += not is_polling

    def upgrade(self) -> None:
        """A polling session has a socket of its own from now on."""
        if self.address is not None:
            self.address.polling_count -= 1
            self.address.open_count += 1

    def close(self, *, is_polling: bool = False) -> None:
        """It has ended; what it had spent too much, the next of the address begins with."""
        address = self.address
        if address is not None:
            address.polling_count -= is_polling
            address.open_count -= not is_polling
            address.left_packets_at = max(address.left_packets_at, self._packets_at)
            address.left_requests_at = max(address.left_requests_at, self._requests_at)

    @property
    def is_crowded(self) -> bool:
        """Whether the address has more connections, or as many polling sessions, as one may have."""
        address = self.address
        if address is None or not address.most_open:
            return False
        return address.open_count > address.most_open or address.polling_count >= address.most_open


class AddressBudget(Budget):
    """All connections of one address: their budget, how many are open, and what they ask over plain HTTP."""

    __slots__ = (
        "_connection_rates",
        "_http",
        "left_packets_at",
        "left_requests_at",
        "most_open",
        "open_count",
        "polling_count",
    )

    def __init__(self, rates: Rates, connection_rates: Rates, most_open: int = 0) -> None:
        super().__init__(rates)
        self._connection_rates = connection_rates
        self._http = Budget(connection_rates)  # HTTP has no sessions: all its requests are one connection's
        self.most_open = most_open  # 0 for no limit
        self.open_count = 0  # sockets, also those of sessions and streams
        self.polling_count = 0  # sessions whose sockets come and go
        self.left_packets_at = 0
        self.left_requests_at = 0

    def connect(self) -> Budget:
        """The budget of one more connection: not a fresh one behind one that was spent."""
        budget = Budget(self._connection_rates, self)
        budget._packets_at = min(self.left_packets_at, monotonic_ns() + _LEFT_NS)  # noqa: SLF001 - of its own kind
        budget._requests_at = self.left_requests_at  # noqa: SLF001
        return budget

    def take_http(self, cost: int) -> int:
        """`take` for an HTTP request, with its body."""
        return self._http.take(cost) or self.charge(cost, monotonic_ns())

    def request_http(self) -> int:
        """`request` for one over HTTP."""
        now = monotonic_ns()
        wait = self._http._wait(now) or self._wait(now)  # noqa: SLF001 - of its own kind
        if not wait:
            self._http._grant(now)  # noqa: SLF001
            self._grant(now)
        return wait

    def charge(self, cost: int, now: int) -> int:
        """Charge for packets; for how many nanoseconds it was over its budget."""
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
    """Packets that one of so many bytes counts for."""
    return min(MOST_COST, 1 + (size >> _COST_SHIFT))
