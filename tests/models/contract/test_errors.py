"""Refusals: one class a code, the same on both sides of a process border."""

import pickle

import pytest

from models.contract.errors import EVERY, Refused


def test_each_code_has_one_class() -> None:
    """Clients branch on the code alone."""
    codes = [kind.code for kind in EVERY]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("error", EVERY)
def test_a_refusal_survives_a_pickle(error: type[Refused]) -> None:
    """Its message and its details are the same in another process."""
    refusal = error("In so many words.", field="slot", limit=3)
    copy = pickle.loads(pickle.dumps(refusal))  # noqa: S301 - made in this line
    assert type(copy) is error
    assert (copy.message, copy.details) == (refusal.message, refusal.details)
    assert error().message == error.fact
