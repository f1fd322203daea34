"""docs/scale.md and its chart are what the simulation makes of the last benchmark."""

from itertools import pairwise

from bench import simulate
from tests.support import ROOT

STATES = [simulate.steady(viewers, simulate.read_costs(ROOT / "docs/bench.json")) for viewers in (10**6, 10**7)]


def test_the_page_has_the_table_of_the_simulation() -> None:
    """`python -m bench.simulate` prints it, after a new benchmark too."""
    page = (ROOT / "docs/scale.md").read_text()
    missing = [row for row in simulate.rows(STATES) if f"| {' | '.join(row)} |" not in page]
    assert missing == []


def test_the_chart_is_that_of_the_simulation() -> None:
    assert (ROOT / "docs/scale.svg").read_text() == simulate.draw(simulate.panels(STATES))


def test_viewers_come_back_as_fast_as_the_edges_take_them() -> None:
    """None is lost, and no more are back than the free CPU allows."""
    state = STATES[0]
    shares = simulate.returns(state, state.edges)
    assert shares[-1] > 0.999
    most = state.edges * state.connects_a_second * simulate.STEP_SECONDS / state.viewers
    assert all(later - share <= most + 1e-9 for share, later in pairwise(shares))
