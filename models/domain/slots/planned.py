"""A slot that is not open yet: of a command of staff, or of a schedule."""

from __future__ import annotations

from typing import NamedTuple


class Planned(NamedTuple):
    """A slot to open, `[start, end)` in milliseconds UTC. `data` is one line of JSON."""

    start: int
    end: int
    capacity: int
    data: str | None

    @property
    def times(self) -> tuple[int, int]:
        return self.start, self.end
