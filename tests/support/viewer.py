"""What a client makes of what it is sent: PROTOCOL's whole rule, kept by one who trusts nobody."""

from datetime import datetime
from typing import Any

Slot = dict[str, Any]


class Viewer:
    """One client's copy of one calendar, and the account of how it came by it."""

    def __init__(self) -> None:
        self.have = -1
        self.cursor: str | None = None
        self.info: dict[str, Any] = {}
        self.window: tuple[str, str] = ("", "")
        self.applied: list[int] = []
        self.types: set[str] = set()
        self.modes: list[str] = []
        self.gaps = 0
        self.repeats = 0
        self._slots: dict[str, Slot] = {}
        self.bookings: dict[str, dict[str, Any]] = {}

    @property
    def slots(self) -> list[Slot]:
        return sorted(self._slots.values(), key=lambda slot: (slot["start"], slot["end"], slot["id"]))

    @property
    def is_whole(self) -> bool:
        """Whether, since its one snapshot, every change was applied once and in order."""
        first = self.applied[0] if self.applied else self.have + 1
        is_gapless = self.applied == list(range(first, first + len(self.applied)))
        return is_gapless and self.modes.count("snapshot") == 1 and first + len(self.applied) == self.have + 1

    def is_at(self, seq: int) -> bool:
        return self.have == seq

    @property
    def account(self) -> dict[str, Any]:
        """All of it, as the watchers in other languages tell it."""
        return {
            "slots": self.slots,
            "have": self.have,
            "cursor": self.cursor,
            "applied": self.applied,
            "modes": self.modes,
            "window": self.window,
        }

    def take_answer(self, answer: dict[str, Any]) -> None:
        """The answer to a subscription."""
        assert answer["ok"], answer
        self.modes.append(answer["mode"])
        self.info = answer["info"]
        if answer["mode"] == "snapshot":
            self.have, self.cursor = answer["seq"], answer["cursor"]
            self.window = answer["from"], answer["to"]
            self._slots = {slot["id"]: slot for slot in answer["slots"]}
            self.bookings = {booking["id"]: booking for booking in answer.get("bookings", ())}
            return
        for change in answer["changes"]:
            assert self.take_change(change), "a replay with a hole in it"
        assert (self.have, self.cursor) == (answer["seq"], answer["cursor"])

    def take_change(self, change: dict[str, Any]) -> bool:
        """One change; False for a gap, after which one subscribes again."""
        if change["seq"] <= self.have:
            self.repeats += 1
            return True
        if change["prev"] > self.have:
            self.gaps += 1
            return False
        for slot in change["slots"]:
            if self._covers(slot):
                self._slots[slot["id"]] = slot
            else:
                self._slots.pop(slot["id"], None)
        for slot in change["removed"]:
            self._slots.pop(slot, None)
        for booking in change.get("bookings", ()):
            if booking["version"] >= self.bookings.get(booking["id"], booking)["version"]:
                self.bookings[booking["id"]] = booking
        for booking in change.get("bookings_gone", ()):
            self.bookings.pop(booking, None)
        self.info = change.get("info", self.info)
        self.have, self.cursor = change["seq"], change["cursor"]
        self.applied.append(change["seq"])
        self.types.add(change["type"])
        return True

    def _covers(self, slot: Slot) -> bool:
        begin, finish = map(moment, self.window)
        return moment(slot["start"]) < finish and moment(slot["end"]) > begin


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def is_same(seen: list[Slot], fresh: list[Slot]) -> bool:
    """Whether two lists hold the same slots, whatever their order."""
    return sorted(seen, key=lambda slot: slot["id"]) == sorted(fresh, key=lambda slot: slot["id"])
