"""The state of the writers for other processes: their present fault, and their figures so far."""

from __future__ import annotations

from typing import NamedTuple

from models.writing.write_fault import WriteFault
from models.writing.write_figures import WriteFigures


class WriterState(NamedTuple):
    """`figures` are the counts and the sum of each histogram."""

    fault: WriteFault | None
    figures: tuple[tuple[list[int], float], ...]


def figures_of(figures: WriteFigures) -> tuple[tuple[list[int], float], ...]:
    """Return the figures as they are sent."""
    return tuple((histogram.counts.copy(), histogram.sum) for histogram in figures.histograms)


def set_figures(figures: WriteFigures, sent: tuple[tuple[list[int], float], ...]) -> None:
    """Set the figures to those of another process."""
    for histogram, (counts, total) in zip(figures.histograms, sent, strict=True):
        histogram.counts, histogram.sum = counts, total
