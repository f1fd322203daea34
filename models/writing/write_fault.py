"""The fault that keeps the writers from writing, if there is one: it lasts until a transaction succeeds."""

from __future__ import annotations

from typing import NamedTuple

# The words of each database in the error of a whole transaction, by the kind of the fault.
_SIGNS = (
    ("disk", ("disk is full", "disk i/o error", "no space left", "could not extend", "could not write")),
    ("read_only", ("readonly", "read-only", "during recovery")),
    ("locked", ("is locked", "lock timeout")),
    ("files", ("unable to open database file", "too many open files")),
    ("database", ("connection", "server closed", "terminating", "shutting down", "starting up", "in recovery")),
)
_MUST_WRITE = {"disk", "read_only"}  # a transaction without a row proves nothing against these


class WriteFault(NamedTuple):
    """The kind of a fault, and the words of the database."""

    kind: str
    reason: str


class WriteFaults:
    """The present fault of all writers of one database. Any thread may call any method."""

    def __init__(self) -> None:
        self.present: WriteFault | None = None

    def note(self, error: BaseException) -> None:
        """Note the failure of a transaction, if its reason is a fault of the database and not of one command."""
        text = str(error)
        words = text.lower()
        for kind, signs in _SIGNS:
            if any(sign in words for sign in signs):
                self.present = WriteFault(kind, text.partition("\n")[0])
                return

    def note_commit(self, *, has_written: bool) -> None:
        """Note a commit."""
        if self.present is not None and (has_written or self.present.kind not in _MUST_WRITE):
            self.present = None
