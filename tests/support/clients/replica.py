"""A client's copy of one calendar, and the whole rule for its changes (docs/protocol.md)."""

from datetime import datetime
from typing import Any

Slot = dict[str, Any]
Message = dict[str, Any]


class Gap(Exception):
    """A change does not follow the client's last one."""


class Replica:
    """A copy made from a snapshot and later changes. It trusts no message of the server."""

    def __init__(self) -> None:
        self.have = -1
        self.cursor: str | None = None
        self.info: dict[str, Any] = {}
        self.window: tuple[str, str] | None = None  # None for every slot
        self.bookings: dict[str, Message] = {}
        self.applied: list[int] = []
        self.snapshots = 0
        self.repeats = 0
        self._slots: dict[str, Slot] = {}

    def take_snapshot(self, snapshot: Message) -> None:
        """Replace everything."""
        self.have, self.cursor = snapshot["seq"], snapshot["cursor"]
        self.info = snapshot.get("info", self.info)
        self._slots = {slot["id"]: slot for slot in snapshot["slots"]}
        self.bookings = {booking["id"]: booking for booking in snapshot.get("bookings", ())}
        self.snapshots += 1

    def apply(self, change: Message) -> None:
        """Apply one change. Skip a repeated one, and raise Gap for one that is too late."""
        if change["seq"] <= self.have:
            self.repeats += 1
            return
        if change["prev"] > self.have:
            raise Gap(change["seq"], self.have)
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

    def _covers(self, slot: Slot) -> bool:
        if self.window is None:
            return True
        begin, finish = map(moment, self.window)
        return moment(slot["start"]) < finish and moment(slot["end"]) > begin


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
