"""The state of a writer, as other processes take it."""

from models.writing.write_fault import WriteFault
from models.writing.write_figures import WriteFigures
from models.writing.writer_state import WriterState, figures_of, set_figures


def test_figures_are_those_of_the_other_process() -> None:
    """They are a copy: the writer goes on with its own."""
    own, other = WriteFigures(), WriteFigures()
    own.note(7, 0.001, 0.002)
    state = WriterState(WriteFault("disk", "full"), figures_of(own))
    own.note(9, 0.001, 0.002)
    set_figures(other, state.figures)
    assert (other.sizes.sum, sum(other.sizes.counts)) == (7, 1)
    assert figures_of(other) == state.figures
