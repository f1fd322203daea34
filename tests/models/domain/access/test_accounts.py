"""Accounts of staff: their names, their roles, and who may change them."""

from typing import Any

import pytest

from models.contract.commands.background import AddAccount, AddCredential, ChangeAccount, RemoveAccount
from models.contract.errors import AlreadyExists, BadRequest, Forbidden, InvalidTransition, NotFound, Refused
from models.contract.values.time import DAY
from models.domain.access import notice
from models.service import SlotService
from tests.models.driver import Driver, results

OWNER = (("*", "owner"),)


def add(service: SlotService, name: str, roles: tuple[tuple[str, str], ...] = OWNER, **fields: Any) -> Any:
    return results(service.run(AddAccount(name=name, password="hash", roles=roles, **fields)))


def sign_in(driver: Driver, account: str, session: str) -> None:
    ends_at = driver.clock() + DAY
    fields: dict[str, Any] = {"subject": "x", "roles": (), "made_by": "x", "account": account, "ends_at": ends_at}
    driver.service.run(AddCredential(credential=session, kind="session", digest=f"digest of {session}", **fields))


def test_a_name_is_of_one_account(driver: Driver) -> None:
    """In any case of letters, and with any spaces."""
    anna = add(driver.service, " Anna  Example ")
    assert anna["name"] == "Anna Example"
    with pytest.raises(AlreadyExists):
        add(driver.service, "ANNA EXAMPLE")
    add(driver.service, "Bob")
    with pytest.raises(AlreadyExists):
        driver.service.run(ChangeAccount(account=anna["id"], name="bob"))
    for name in ("", " \0 ", "x" * 65, "a\0b", "a\x1bb", "a\u202eb", "\u200b"):
        with pytest.raises(BadRequest):
            add(driver.service, name)
    found = driver.service.account("anna example")
    assert found is not None
    assert found.id == anna["id"]
    assert driver.service.account("anna\0example") is None
    assert [account.name for account in driver.service.accounts(None)] == ["Anna Example", "Bob"]


def test_notices_with_seqs_side_by_side_are_no_fault(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their seqs are times with random bits, and may happen to follow each other."""
    nonces = (f"00{digit}0000000{digit}" for digit in "123")
    monkeypatch.setattr(notice, "new_nonce", lambda: next(nonces))
    for name in ("Anna", "Bob", "Eve"):
        add(driver.service, name)
    assert driver.service.audit() == []


def test_the_last_owner_stays(driver: Driver) -> None:
    """The last owner of all calendars is neither removed, nor disabled, nor made less."""
    anna = add(driver.service, "Anna")["id"]
    staff = add(driver.service, "Bob", (("room", "owner"),))["id"]
    commands = (
        RemoveAccount(account=anna),
        ChangeAccount(account=anna, disabled=True),
        ChangeAccount(account=anna, roles=(("*", "staff"),)),
    )
    for command in commands:
        with pytest.raises(InvalidTransition):
            driver.service.run(command)
    driver.service.run(RemoveAccount(account=staff))
    add(driver.service, "Eve")
    assert results(driver.service.run(commands[2]))["roles"] == {"*": "staff"}
    driver.service.run(commands[0])
    with pytest.raises(NotFound):
        driver.service.run(commands[1])


def test_an_owner_of_some_calendars_gives_no_others(driver: Driver) -> None:
    """Neither to a new account, nor by a change, nor by taking the rights of others away."""
    scope = ("room",)
    bob = add(driver.service, "Bob", (("room", "staff"),), scope=scope)["id"]
    eve = add(driver.service, "Eve", (("room", "staff"), ("hall", "staff")))["id"]
    refused: list[Any] = [
        AddAccount(name="x", password="hash", roles=(("hall", "viewer"),), scope=scope),
        AddAccount(name="x", password="hash", roles=OWNER, scope=scope),
        ChangeAccount(account=bob, roles=(("hall", "viewer"),), scope=scope),
        ChangeAccount(account=eve, password="other", scope=scope),
        RemoveAccount(account=eve, scope=scope),
    ]
    for command in refused:
        with pytest.raises(Forbidden):
            driver.service.run(command)
    assert [account.name for account in driver.service.accounts(scope)] == ["Bob"]
    driver.service.run(ChangeAccount(account=bob, roles=(("room", "owner"),), scope=scope))


def test_a_change_of_rights_ends_sessions(driver: Driver) -> None:
    """A new password ends the other sessions; a disabled or removed account has none."""
    anna, bob = add(driver.service, "Anna")["id"], add(driver.service, "Bob")["id"]
    for session in ("one", "two"):
        sign_in(driver, anna, session)
    sign_in(driver, bob, "three")

    def sessions() -> set[str]:
        return {session.id for session in driver.service.access().sessions.values()}

    assert sessions() == {"one", "two", "three"}
    driver.service.run(ChangeAccount(account=anna, password="other", kept_session="two"))
    assert sessions() == {"two", "three"}
    driver.service.run(ChangeAccount(account=anna, roles=(("room", "viewer"),)))
    assert {session.roles for session in driver.service.access().sessions.values()} == {OWNER, (("room", "viewer"),)}
    driver.service.run(ChangeAccount(account=anna, disabled=True))
    assert sessions() == {"three"}
    driver.service.run(ChangeAccount(account=anna, disabled=False, roles=OWNER))
    driver.service.run(RemoveAccount(account=bob))
    assert sessions() == set()


def test_an_unknown_account_is_not_found(driver: Driver) -> None:
    for command in (
        RemoveAccount(account="none"),
        RemoveAccount(account="a\0"),
        ChangeAccount(account="none", disabled=True),
    ):
        with pytest.raises(Refused) as refused:
            driver.service.run(command)
        assert refused.value.details == {"what": "account"}
