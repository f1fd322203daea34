"""The table of the time away: the greatest age of a change when it came, by fault and by kind of watcher."""

from collections import defaultdict
from collections.abc import Sequence

from tests.system.chaos.crowd import Copy

_GROUPS = ("library", "socket.io-client", "python-socketio", "plain")


class TimeAway:
    """Collects the seconds of each round, and writes a table with a row for each kind of fault."""

    def __init__(self) -> None:
        self._rounds: dict[str, list[tuple[list[Copy], float]]] = defaultdict(list)

    def add(self, fault: str, copies: Sequence[Copy], longest_request_seconds: float) -> None:
        self._rounds[fault].append((list(copies), longest_request_seconds))

    def longest(self, fault: str) -> float:
        """Return the longest time away of any watcher."""
        return max(copy.age_ms / 1_000 for copies, _ in self._rounds[fault] for copy in copies)

    def half(self, fault: str) -> float:
        """Return the time away of half of the watchers."""
        ages = sorted(copy.age_ms / 1_000 for copies, _ in self._rounds[fault] for copy in copies)
        return ages[len(ages) // 2]

    def table(self) -> str:
        """Return the table in Markdown: seconds, of half of the watchers, and of the last one of each group."""
        lines = [
            "| fault | times | half of all | " + " | ".join(_GROUPS) + " | longest request |",
            "| --- " * (4 + len(_GROUPS)) + "|",
        ]
        for fault, rounds in sorted(self._rounds.items()):
            cells = [fault, str(len(rounds)), f"{self.half(fault):.1f}"]
            for group in _GROUPS:
                of_group = [copy.age_ms for copies, _ in rounds for copy in copies if copy.kind.startswith(group)]
                cells.append(f"{max(of_group) / 1_000:.1f}")
            cells.append(f"{max(longest for _, longest in rounds):.1f}")
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)

    def table_of_kinds(self) -> str:
        """Return a table of all rounds in Markdown: seconds, of half of the watchers of a kind, and of the last one."""
        lines = ["| watchers | number | half of them | the last one |", "| --- | --- | --- | --- |"]
        copies = [copy for rounds in self._rounds.values() for of_round, _ in rounds for copy in of_round]
        ages: dict[str, list[float]] = defaultdict(list)
        for copy in copies:
            ages[copy.kind].append(copy.age_ms / 1_000)
            ages["all"].append(copy.age_ms / 1_000)
        for kind, of_kind in sorted(ages.items()):
            of_kind.sort()
            lines.append(f"| {kind} | {len(of_kind)} | {of_kind[len(of_kind) // 2]:.2f} | {of_kind[-1]:.2f} |")
        return "\n".join(lines)
