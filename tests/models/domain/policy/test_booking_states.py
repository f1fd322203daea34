"""The table of states and moves."""

import pytest

from models.contract.errors import InvalidTransition
from models.domain.policy.booking_states import MOVES, State, is_done


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("status", State)
def test_a_move_is_done_allowed_or_refused_by_the_table(status: State, move: str) -> None:
    """A booking that is there already is done, one of the named states may move, and any other is refused."""
    wanted = MOVES[move]
    if status == wanted.to:
        assert is_done(status, move)
    elif status in wanted.of:
        assert not is_done(status, move)
    else:
        with pytest.raises(InvalidTransition) as refused:
            is_done(status, move)
        assert refused.value.details == {"rule": "status", "status": status}


def test_no_state_is_a_dead_end() -> None:
    """From each state a move leads to another one."""
    assert {state for move in MOVES.values() if move.to for state in move.of} == set(State)
