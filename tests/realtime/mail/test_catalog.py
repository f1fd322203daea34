"""The texts of mails: each language is whole, and a time is in its words."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from string import Formatter

import pytest

from realtime.mail.catalog import ENGLISH, TEXTS, texts_of
from realtime.mail.message import write_message
from tests.realtime.mail.test_message import ORDER
from tests.support import ROOT

AT = datetime(2027, 3, 1, 9, 5, tzinfo=UTC)


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", TEXTS)
def test_each_language_says_all(language: str) -> None:
    """The same parts in every sentence, seven weekdays, and twelve months."""
    texts = TEXTS[language]
    for name in ("subject", "booked", "code", "enter", "link", "otherwise", "when"):
        assert _names(getattr(texts, name)) == _names(getattr(ENGLISH, name)), name
    assert (len(set(texts.weekdays)), len(set(texts.months))) == (7, 12)


def test_a_mail_is_in_the_languages_of_the_pages() -> None:
    """Each catalog of a page has one of the mails."""
    source = (ROOT / "web" / "src" / "language" / "language.ts").read_text()
    assert set(TEXTS) <= set(re.findall(r"\b(?:en|de|fr|es)\b", source))


def test_a_time_is_in_words() -> None:
    """Whatever the locale of the machine is."""
    assert texts_of("de-AT").write_when(AT) == "Montag, 1. März 2027, 09:05"
    assert texts_of("fr").write_when(AT) == "lundi 1 mars 2027, 09:05"
    assert texts_of("ES").write_when(AT) == "lunes, 1 de marzo de 2027, 09:05"
    for unknown in ("", "tlh", "zh-Hant"):
        assert texts_of(unknown).write_when(AT) == "Monday, 1 March 2027, 09:05"


def test_a_name_of_a_calendar_is_no_pattern() -> None:
    """Braces in it are themselves."""
    message = write_message({**ORDER, "calendar": "{code} {0}", "language": "es"}, "a@example.org", "", 0)
    assert "{code} {0}, lunes, 4 de enero de 2027, 10:30" in message.get_content()
    assert message["Subject"] == "043917 es su código"
