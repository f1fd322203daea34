"""A hidden calendar: one that is not there answers as a private one does."""

import pytest

from models.contract.errors import Forbidden, NotFound, Refused, Unauthorized
from models.contract.principal import ANONYMOUS, OPERATOR, Principal
from realtime.access.visibility import hiding

OTHER = Principal(subject="someone", calendars=frozenset({"other"}))


@pytest.mark.parametrize(("principal", "kind"), [(ANONYMOUS, Unauthorized), (OTHER, Forbidden), (OPERATOR, NotFound)])
def test_a_missing_calendar_is_refused_as_a_private_one(principal: Principal, kind: type[Refused]) -> None:
    """Only a principal that may see it is told that it is not there."""
    with pytest.raises(kind), hiding("room", principal):
        raise NotFound(what="calendar")


def test_anything_else_that_is_missing_stays_missing() -> None:
    """A slot of a calendar that may be seen is not found."""
    with pytest.raises(NotFound), hiding("room", ANONYMOUS):
        raise NotFound(what="slot")
