"""Cases of commands on accounts, credentials and blocks: none of them changes a calendar."""

from __future__ import annotations

from models.contract.commands.background import (
    AddAccount,
    AddCredential,
    ChangeAccount,
    EraseBlocks,
    NoteUses,
    RemoveAccount,
    RevokeCredential,
    TrimBlocks,
    Use,
)
from models.contract.commands.blocks import AddBlock, RemoveBlock
from models.contract.commands.command import Command
from models.contract.values.time import HOUR
from tests.invariants.cases.case import proves
from tests.models.driver import STAFF, Driver, results

STAFF_OF_ROOM = (("room", "staff"),)


def _account(driver: Driver) -> str:
    return str(results(driver.service.run(AddAccount(name="Anna", password="hash", roles=STAFF_OF_ROOM)))["id"])


def _link(driver: Driver) -> AddCredential:
    ends_at = driver.clock.now + HOUR
    roles = (("room", ""),)
    return AddCredential(credential="link", kind="link", subject="link", roles=roles, made_by="anna", ends_at=ends_at)


@proves(AddAccount)
def account(_driver: Driver) -> Command:
    return AddAccount(name="Anna", password="hash", roles=STAFF_OF_ROOM)


@proves(ChangeAccount)
def account_of_another_role(driver: Driver) -> Command:
    return ChangeAccount(account=_account(driver), roles=(("room", "viewer"),))


@proves(RemoveAccount)
def account_gone(driver: Driver) -> Command:
    return RemoveAccount(account=_account(driver))


@proves(AddCredential)
def link(driver: Driver) -> Command:
    return _link(driver)


@proves(RevokeCredential)
def link_gone(driver: Driver) -> Command:
    driver.service.run(_link(driver))
    return RevokeCredential(credential="link", kinds=("link",))


@proves(NoteUses)
def token_used(driver: Driver) -> Command:
    use = Use(id="token", used_at=driver.clock.now, is_token=True, subject="a program", roles=STAFF_OF_ROOM)
    return NoteUses(uses=(use,))


def _block(driver: Driver) -> AddBlock:
    expires_at = driver.clock.now + HOUR
    value = "ada@example.org"
    return AddBlock(principal=STAFF, calendar=driver.calendar, kind="email", value=value, expires_at=expires_at)


@proves(AddBlock)
def blocked(driver: Driver) -> Command:
    return _block(driver)


@proves(RemoveBlock)
def blocked_no_more(driver: Driver) -> Command:
    return RemoveBlock(principal=STAFF, block=results(driver.service.run(_block(driver)))["id"])


@proves(EraseBlocks)
def block_of_an_erased_customer(driver: Driver) -> Command:
    driver.service.run(_block(driver))
    return EraseBlocks(email="ada@example.org")


@proves(TrimBlocks)
def block_that_has_ended(driver: Driver) -> Command:
    driver.service.run(_block(driver))
    driver.clock.go(3_601)
    return TrimBlocks()
