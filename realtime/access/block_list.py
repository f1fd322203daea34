"""The blocks in force, in memory: says in which calendars a command's caller, or the customer it names, is blocked.

Every server reads them at its start and after each notice of changed rights. A look-up costs no statement, and nothing
at all where there are no blocks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from math import inf

from models.contract.commands.bookings import BookSlot, RescheduleBooking, UpdateBooking
from models.contract.commands.command import Command
from models.contract.commands.holds import HoldSlot
from models.contract.principal import Principal
from models.contract.values.blocked_value import BlockKind, canonical_value, number_of, read_network
from models.contract.values.time import Clock
from models.contract.values.tokens import Tokens
from models.service import LiveBlock

_Ends = list[tuple[str, float]]  # the calendar of each block, and its end in milliseconds
_CLAIMS = (HoldSlot, BookSlot, RescheduleBooking, UpdateBooking)
_BITS = {4: 32, 6: 128}


class BlockList:
    """The blocks as the loop has them. `take` replaces them."""

    def __init__(self, tokens: Tokens, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock
        self._by_value: dict[tuple[BlockKind, str], _Ends] = {}
        self._by_digest: dict[str, _Ends] = {}  # of erased ones
        self._by_network: dict[tuple[int, int, int], _Ends] = {}  # the version, the bits, and their number
        self._lengths: tuple[tuple[int, int], ...] = ()  # the version and the bits of each kind of network

    def take(self, blocks: Iterable[LiveBlock]) -> None:
        by_value: defaultdict[tuple[BlockKind, str], _Ends] = defaultdict(list)
        by_digest: defaultdict[str, _Ends] = defaultdict(list)
        by_network: defaultdict[tuple[int, int, int], _Ends] = defaultdict(list)
        for block in blocks:
            end = (block.calendar, inf if block.ends_at is None else block.ends_at)
            if block.value is None:
                by_digest[block.digest].append(end)
            elif block.kind == "address":
                by_network[_key_of(read_network(block.value))].append(end)
            else:
                by_value[block.kind, canonical_value(block.kind, block.value)].append(end)
        self._by_value, self._by_digest, self._by_network = dict(by_value), dict(by_digest), dict(by_network)
        self._lengths = tuple({(version, bits) for version, bits, _ in by_network})

    @property
    def is_empty(self) -> bool:
        return not (self._by_value or self._by_digest or self._by_network)

    def find(self, principal: Principal, command: Command | None = None) -> tuple[str, ...]:
        """Return the calendars in which the caller is blocked, or the customer of a command that takes seats."""
        if self.is_empty or (command is not None and not isinstance(command, _CLAIMS)):
            return ()
        found = self._of_address(principal.address) + self._of("sub", principal.subject)
        customer = command.customer if isinstance(command, BookSlot | UpdateBooking) else None
        for kind in ("email", "phone"):
            value = getattr(customer, kind, None)
            if isinstance(value, str):
                found += self._of(kind, value)
        now = self._clock()
        return tuple({calendar for calendar, end in found if end > now})

    def _of(self, kind: BlockKind, value: str) -> _Ends:
        if not value:
            return []
        canonical = canonical_value(kind, value)
        found = list(self._by_value.get((kind, canonical), ()))
        if self._by_digest:
            for tokens in self._tokens.every:
                found += self._by_digest.get(tokens.pseudonym("block", kind, canonical), ())
        return found

    def _of_address(self, address: str) -> _Ends:
        parsed = number_of(address) if self._lengths else None
        if parsed is None:
            return []
        version, number = parsed
        found: _Ends = []
        for of_version, bits in self._lengths:
            if of_version == version:
                found += self._by_network.get((version, bits, number >> (_BITS[version] - bits)), ())
        return found


def _key_of(network: IPv4Network | IPv6Network) -> tuple[int, int, int]:
    bits = network.prefixlen
    return network.version, bits, int(network.network_address) >> (network.max_prefixlen - bits)
