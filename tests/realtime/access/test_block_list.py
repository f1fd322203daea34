"""The blocks in memory: who is blocked where, at no cost without blocks."""

from typing import Any

from models.contract.commands.bookings import BookSlot, CancelBooking, NewDetails, Person, UpdateBooking
from models.contract.commands.holds import HoldSlot
from models.contract.principal import Principal
from models.contract.values.blocked_value import BlockKind, canonical_value
from models.contract.values.tokens import Tokens
from models.service import LiveBlock
from realtime.access.block_list import BlockList

TOKENS = Tokens(b"a secret of the tests")
CALLER = Principal(address="192.0.2.7", subject="marie")
HOLD = HoldSlot(slot="slot")


def _block(kind: BlockKind, value: str, calendar: str = "room", **fields: Any) -> LiveBlock:
    digest = TOKENS.pseudonym("block", kind, canonical_value(kind, value))
    return LiveBlock(calendar, kind, value, digest, None)._replace(**fields)


def _list(*blocks: LiveBlock, tokens: Tokens = TOKENS, now: int = 1_000) -> BlockList:
    made = BlockList(tokens, lambda: now)
    made.take(blocks)
    return made


def _book(**customer: str) -> BookSlot:
    return BookSlot(slot="slot", customer=Person(name="Ada", **customer))


def test_a_caller_is_blocked_by_its_network_or_its_sub() -> None:
    """The most and the least specific prefix count, each for its calendar; another address is free."""
    blocks = _list(
        _block("address", "192.0.2.7", "a"),
        _block("address", "192.0.0.0/16", "b"),
        _block("address", "2001:db8::/32", "c"),
        _block("sub", "marie", "d"),
    )
    assert sorted(blocks.find(CALLER, HOLD)) == ["a", "b", "d"]
    assert blocks.find(Principal(address="192.1.2.7", subject="Marie"), HOLD) == ()
    assert blocks.find(Principal(address="2001:db8:5::"), HOLD) == ("c",)
    assert blocks.find(Principal(address="unix:"), HOLD) == ()


def test_a_customer_is_blocked_by_the_details_of_a_booking() -> None:
    """Other spellings of an address and of a number are the same; a correction to blocked details counts too."""
    blocks = _list(_block("email", "Ada@Example.org"), _block("phone", "+43 1 234", "*"))
    assert blocks.find(CALLER, _book(email="ada@EXAMPLE.org")) == ("room",)
    assert blocks.find(CALLER, _book(phone="0043 (1) 2-34")) == ("*",)
    assert blocks.find(CALLER, UpdateBooking(booking="b", customer=NewDetails(email="ada@example.org"))) == ("room",)
    assert blocks.find(CALLER, _book(email="eve@example.org", phone="+43 1 235")) == ()


def test_only_what_takes_seats_is_blocked() -> None:
    """A blocked customer may give seats back."""
    blocks = _list(_block("sub", "marie"))
    assert blocks.find(CALLER, CancelBooking(booking="b")) == ()
    assert blocks.find(CALLER) == ("room",), "for an explanation"


def test_a_block_ends_at_its_end() -> None:
    """At exactly this time it is over."""
    block = _block("sub", "marie", ends_at=1_000)
    assert _list(block, now=999).find(CALLER, HOLD) == ("room",)
    assert _list(block, now=1_000).find(CALLER, HOLD) == ()


def test_an_erased_block_is_in_force_by_its_hash() -> None:
    """Also while one secret replaces another."""
    erased = [_block(kind, value)._replace(value=None) for kind, value in (("email", "ada@x.org"), ("sub", "marie"))]  # type: ignore[arg-type]
    for tokens in (TOKENS, Tokens(b"the next secret", b"a secret of the tests")):
        blocks = _list(*erased, tokens=tokens)
        assert blocks.find(Principal(address="192.0.2.8"), _book(email="ADA@x.org")) == ("room",)
        assert blocks.find(CALLER, HOLD) == ("room",)
    assert _list(*erased, tokens=Tokens(b"another secret")).find(CALLER, HOLD) == ()


def test_the_next_blocks_replace_the_former() -> None:
    blocks = _list(_block("sub", "marie"))
    blocks.take(())
    assert blocks.is_empty
    assert blocks.find(CALLER, HOLD) == ()
