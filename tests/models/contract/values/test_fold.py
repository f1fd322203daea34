"""Folded texts compare without case."""

from __future__ import annotations

import pytest

from models.contract.values.fold import fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada", "aDA"),
        ("JÜRGEN", "jürgen"),
        ("Straße", "STRASSE"),
        ("Zoe\u0308", "ZOË"),  # a letter with a mark of its own
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
    ],
)
def test_texts_that_differ_in_case_are_folded_alike(one: str, other: str) -> None:
    """Also outside of ASCII, and whichever form a letter has."""
    assert fold(one) == fold(other)
    assert fold(fold(one)) == fold(one)


def test_other_letters_stay_others() -> None:
    """An umlaut is not its vowel."""
    assert fold("Müller") != fold("Muller")
