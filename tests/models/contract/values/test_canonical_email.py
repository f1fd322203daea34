"""The spellings of one e-mail address, and of different ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.values.canonical_email import canonical_email, mailbox_of, plain_beginning


@pytest.mark.parametrize(
    "spelling",
    [" Ada@Example.ORG ", '"ada"@example.org', '"A\\da"@example.org'],
)
def test_the_spellings_of_an_address_are_one(spelling: str) -> None:
    """Case, quotes and escapes make no other address."""
    assert canonical_email(spelling) == "ada@example.org"


def test_a_domain_has_one_form() -> None:
    """Punycode, letters in any case, and composed or decomposed letters are one domain."""
    forms = ("ada@exämple.org", "ada@xn--exmple-cua.org", "ADA@XN--EXMPLE-CUA.org", "ada@EXA\u0308MPLE.org")
    assert {canonical_email(form) for form in forms} == {"ada@exämple.org"}


def test_other_letters_are_another_address() -> None:
    """Letters that only look or sound alike are not the same; a label that is no Punycode stays."""
    names = ("strasse", "straße", "\uff41da", "ada", "a+b", "ab")
    spellings = [f"{name}@x.org" for name in names] + ["ada@xn--\u00e4.org"]
    assert len(set(map(canonical_email, spellings))) == len(spellings)


@pytest.mark.parametrize(
    "domain", ["EXAMPLE.org", "\uff45xample.org", "example\u3002org", "example\uff0eorg", "example\uff61org"]
)
def test_full_width_letters_and_dots_make_no_other_domain(domain: str) -> None:
    """A domain is mapped as for DNS; the part before the @ is not."""
    assert canonical_email(f"ada@{domain}") == "ada@example.org"


@pytest.mark.parametrize(
    ("email", "beginning"),
    [("ada@example.org", "ada@"), ("\u00e4da@x.org", ""), ("ad\u00e4@x.org", "a"), ("ada", "ada"), ("", "")],
)
def test_the_plain_beginning_ends_before_other_letters(email: str, beginning: str) -> None:
    """A letter before another one may be the first half of a decomposed one, and is left out."""
    assert plain_beginning(email) == beginning


@given(st.text(alphabet="aAbk@.\u0301\u00e4\u00c4\u1e9e", min_size=1, max_size=40))
def test_all_spellings_begin_alike(local: str) -> None:
    """The plain beginning of the form is that of each spelling, in lower case; quotes apart."""
    beginning = plain_beginning(canonical_email(f"{local}@x.org"))
    assert f"{local}@"[: len(beginning)].lower() == beginning


def test_addresses_of_one_mailbox() -> None:
    """A tag and dots make no other mailbox. A name of nothing else stays."""
    for spelling in ("ada@example.org", "A.da+tag@Example.org", "ada+@example.org", '"ada+1"@example.org'):
        assert mailbox_of(spelling) == "ada@example.org"
    assert mailbox_of("+tag@example.org") == "+tag@example.org"
    assert mailbox_of("ada@example.net") != mailbox_of("ada@example.org")
