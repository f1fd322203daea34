"""A viewer: a replica fed by subscribe answers and events, and the account of everything it was sent."""

from typing import Any

from tests.support.clients.replica import Gap, Replica, Slot


class Viewer(Replica):
    """One client's replica of one calendar."""

    def __init__(self) -> None:
        super().__init__()
        self.types: set[str] = set()
        self.modes: list[str] = []
        self.gaps = 0

    @property
    def slots(self) -> list[Slot]:
        return sorted(self._slots.values(), key=lambda slot: (slot["start"], slot["end"], slot["id"]))

    @property
    def is_whole(self) -> bool:
        """Say if every change since the only snapshot was applied once and in order."""
        first = self.applied[0] if self.applied else self.have + 1
        is_gapless = self.applied == list(range(first, first + len(self.applied)))
        return is_gapless and self.modes.count("snapshot") == 1 and first + len(self.applied) == self.have + 1

    def is_at(self, seq: int) -> bool:
        return self.have == seq

    @property
    def account(self) -> dict[str, Any]:
        """Return all of it, in the form of the viewers in other languages."""
        return {
            "slots": self.slots,
            "have": self.have,
            "cursor": self.cursor,
            "applied": self.applied,
            "modes": self.modes,
            "window": self.window,
        }

    def take_answer(self, answer: dict[str, Any]) -> None:
        """Take the answer to a subscription."""
        assert answer["ok"], answer
        self.modes.append(answer["mode"])
        self.info = answer["info"]
        if answer["mode"] == "snapshot":
            self.window = answer["from"], answer["to"]
            self.take_snapshot(answer)
            return
        for change in answer["changes"]:
            assert self.take_change(change), "a replay with a gap"
        assert (self.have, self.cursor) == (answer["seq"], answer["cursor"])

    def take_change(self, change: dict[str, Any]) -> bool:
        """Apply one change; return False for a gap, and then the client subscribes again."""
        is_new = change["seq"] > self.have
        try:
            self.apply(change)
        except Gap:
            self.gaps += 1
            return False
        if is_new:
            self.types.add(change["type"])
        return True


def is_same(seen: list[Slot], fresh: list[Slot]) -> bool:
    """Say if two lists hold the same slots, in any order."""
    return sorted(seen, key=lambda slot: slot["id"]) == sorted(fresh, key=lambda slot: slot["id"])
