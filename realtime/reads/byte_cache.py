"""A cache of encoded answers with a bound in bytes. The least recently used entry goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

_ENTRY_BYTES = 1_000  # the overhead of an entry, about


class ByteCache(Generic[T]):
    """A cache with a bound in bytes. The caller checks whether an entry is current."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._entries: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self.size_bytes = 0

    def get(self, key: Hashable) -> T | None:
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, entry: T, size_bytes: int) -> None:
        """Keep the entry, and drop an older one with its key. An entry larger than the whole cache is not kept."""
        self.size_bytes -= self._entries.pop(key, (None, 0))[1]
        cost = size_bytes + _ENTRY_BYTES
        if cost > self._most_bytes:
            return
        self._entries[key] = (entry, cost)
        self.size_bytes += cost
        while self.size_bytes > self._most_bytes:
            _, (_, freed) = self._entries.popitem(last=False)
            self.size_bytes -= freed
