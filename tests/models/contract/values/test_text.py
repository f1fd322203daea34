"""Texts of clients: their length, and characters that would show another text."""

from __future__ import annotations

import pytest

from models.contract.errors import BadRequest
from models.contract.values.text import check_line, check_lines, is_storable


def test_spaces_around_a_text_do_not_count() -> None:
    """A text is stored without them, and may have exactly so many characters."""
    assert check_line("  Ada  ", "name", most=3) == "Ada"
    assert check_lines("\tone\ntwo\n", "note", most=7) == "one\ntwo"
    for check in (check_line, check_lines):
        with pytest.raises(BadRequest) as refused:
            check("four", "name", most=3, field="customer.name")
        assert refused.value.details == {"field": "customer.name"}


@pytest.mark.parametrize("character", [" ", "\u200b", "\ufeff", "\u3164", "\u2800", "\xad", "\u200f"])
def test_a_text_that_shows_nothing_is_empty(character: str) -> None:
    """Between letters such a character stays: some scripts and emoji need it."""
    for check in (check_line, check_lines):
        assert check(character * 2, "name", most=9) == ""
        assert check(f"a{character}b", "name", most=9) == f"a{character}b"


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x7f", "\x85", "\u202e", "\u2066"])
def test_no_text_has_control_characters(character: str) -> None:
    """Controls of writing direction are among them."""
    for check in (check_line, check_lines):
        with pytest.raises(BadRequest):
            check(f"a{character}b", "name", most=9)


def test_a_text_that_no_database_takes() -> None:
    """A NUL, and half of a pair of surrogates."""
    assert is_storable("\x01 \U0001f600")
    assert not is_storable("a\0")
    assert not is_storable("\ud83d")


@pytest.mark.parametrize("character", ["\n", "\r\n", "\u2028", "\u2029", "\t"])
def test_only_a_text_of_several_lines_has_line_breaks(character: str) -> None:
    """A name is one line."""
    with pytest.raises(BadRequest):
        check_line(f"a{character}b", "name", most=9)
    assert check_lines(f"a{character}b", "note", most=9) == f"a{character}b"
