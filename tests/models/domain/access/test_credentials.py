"""Credentials: noted at their first use, listed, revoked and forgotten."""

from typing import Any

import pytest

from models.contract.commands.background import AddCredential, NoteUses, RevokeCredential, Use
from models.contract.errors import Forbidden, NotFound
from models.contract.values.time import DAY, HOUR
from models.domain.access.credentials import MOST_SESSIONS
from models.service import SlotService
from tests.models.domain.access.test_accounts import add, sign_in
from tests.models.driver import Driver

ROLES = (("room", "staff"),)


def use(driver: Driver, name: str, **fields: Any) -> None:
    made = {"subject": "a program", "roles": ROLES, "made_at": driver.clock(), **fields}
    driver.service.run(NoteUses(uses=(Use(id=name, used_at=driver.clock(), is_token=True, **made),)))


def tokens(service: SlotService, scope: tuple[str, ...] | None = None) -> dict[str, Any]:
    return {token.id: token for token in service.credentials("token", scope)}


def test_a_token_is_noted_at_its_first_use(driver: Driver) -> None:
    """Later uses move the time of its last use; a session that has ended is not noted again."""
    use(driver, "one")
    first = tokens(driver.service)["one"]
    assert (first.subject, first.roles, first.expires_at) == ("a program", {"room": "staff"}, None)
    driver.clock.go(60)
    use(driver, "one")
    assert tokens(driver.service)["one"].used_at > first.used_at
    driver.service.run(NoteUses(uses=(Use(id="a session", used_at=driver.clock()),)))
    assert list(tokens(driver.service)) == ["one"]


def test_a_revoked_token_stays_in_the_list(driver: Driver) -> None:
    """So that it stays void; only its owner revokes it, and not as a credential of another kind."""
    use(driver, "one", ends_at=driver.clock() + HOUR)
    with pytest.raises(NotFound):
        driver.service.run(RevokeCredential(credential="a\0", kinds=("token",), scope=None))
    for kinds, scope, refusal in ((("token",), ("hall",), Forbidden), (("link",), None, NotFound)):
        with pytest.raises(refusal):
            driver.service.run(RevokeCredential(credential="one", kinds=kinds, scope=scope))
    driver.service.run(RevokeCredential(credential="one", kinds=("token",), scope=("room",)))
    use(driver, "one")
    assert driver.service.access().revoked == {"one"}
    assert tokens(driver.service)["one"].revoked_at is not None
    assert tokens(driver.service, ("hall",)) == {}
    driver.clock.go(2 * 86_400)
    use(driver, "two")
    assert driver.service.access().revoked == set()
    assert list(tokens(driver.service)) == ["two"]


def test_a_link_is_of_its_calendar(driver: Driver) -> None:
    fields: dict[str, Any] = {"subject": "link-1", "roles": (("room", ""),), "made_by": "anna"}
    driver.service.run(AddCredential(credential="link-1", kind="link", ends_at=driver.clock() + DAY, **fields))
    (link,) = driver.service.credentials("link", ("room",))
    assert (link.id, link.made_by, link.used_at) == ("link-1", "anna", None)
    assert driver.service.credentials("link", ("hall",)) == []


def test_an_account_has_some_sessions(driver: Driver) -> None:
    """A further one ends the oldest; each ends in time."""
    anna = add(driver.service, "Anna")["id"]
    for number in range(MOST_SESSIONS + 1):
        driver.clock.go(1)
        sign_in(driver, anna, f"session {number}")
    found = {session.id for session in driver.service.access().sessions.values()}
    assert found == {f"session {number}" for number in range(1, MOST_SESSIONS + 1)}
    driver.clock.go(2 * 86_400)
    assert driver.service.access().sessions == {}
