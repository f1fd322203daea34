"""The rights of a principal, by its token."""

import pytest

from models.contract.changes import Info, Policy
from models.contract.errors import Forbidden, Unauthorized
from models.contract.principal import ANONYMOUS, OPERATOR, Principal, Role

ADA = Principal(subject="ada", address="192.0.2.1", calendars=frozenset({"yoga"}))
CLERK = Principal(subject="bob", role=Role.STAFF, calendars=frozenset({"chess"}))


def _calendar(visibility: str) -> Info:
    return Info(
        id="yoga",
        name="Yoga",
        zone="UTC",
        visibility="private" if visibility == "private" else "public",
        booking="anyone",
        policy=Policy(),
        archived=False,
    )


@pytest.mark.parametrize(
    ("principal", "may_view", "is_staff"),
    [(ANONYMOUS, False, False), (ADA, True, False), (CLERK, False, False), (OPERATOR, True, True)],
)
def test_a_private_calendar_needs_a_token_that_names_it(principal: Principal, may_view: bool, is_staff: bool) -> None:
    """Staff of another calendar have no right either; a public calendar is open to all."""
    assert principal.may_view(_calendar("private")) is may_view
    assert principal.may_view(_calendar("public"))
    assert principal.is_staff_of("yoga") is is_staff


def test_a_missing_right_is_unauthorized_without_a_token() -> None:
    """With a token it is forbidden: another token is needed, not a first one."""
    assert isinstance(ANONYMOUS.refusal(), Unauthorized)
    assert isinstance(ADA.refusal(), Forbidden)


def test_a_role_counts_in_its_calendars() -> None:
    """An account may have several roles. A role holds the rights of those below, and none in another calendar."""
    mixed = Principal(subject="eve", calendars=frozenset({"a", "b"}), roles=(("a", Role.OWNER), ("b", Role.VIEWER)))
    assert [mixed.role_in(name) for name in ("a", "b", "c")] == [Role.OWNER, Role.VIEWER, Role.GUEST]
    assert (mixed.is_viewer_of("b"), mixed.is_staff_of("b"), mixed.is_staff_of("a")) == (True, False, True)
    assert (mixed.scope_of(Role.VIEWER), mixed.scope_of(Role.STAFF)) == (("a", "b"), ("a",))
    raised = Principal(subject="eve", role=Role.VIEWER, calendars=None, roles=(("a", Role.STAFF),))
    assert (raised.role_in("a"), raised.role_in("b"), raised.highest_role) == (Role.STAFF, Role.VIEWER, Role.STAFF)
    assert (raised.scope_of(Role.VIEWER), raised.scope_of(Role.STAFF)) == (None, ("a",))
    for principal in (ANONYMOUS, ADA, CLERK):
        with pytest.raises((Unauthorized, Forbidden)):
            principal.check_role(Role.STAFF, "yoga")
    with pytest.raises(Unauthorized):
        ANONYMOUS.scope_of(Role.VIEWER)
    with pytest.raises(Forbidden):
        CLERK.scope_of(Role.OWNER)


def test_holds_count_by_the_subject() -> None:
    """Without a token they count by the address."""
    assert (ADA.holder, Principal(address="192.0.2.1").holder) == ("sub:ada", "address:192.0.2.1")
