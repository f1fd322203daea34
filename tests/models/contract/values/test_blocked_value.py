"""The spellings of what is blocked are one value."""

import pytest

from models.contract.values.blocked_value import canonical_phone, canonical_value, number_of, read_network


@pytest.mark.parametrize(
    "phone",
    [
        "+43 1 234-56",
        "0043 1 23456",
        "+43 (0)1 / 234.56",
        "+43 ( 0 ) 123456",
        "(0043) 123456",
        "43123456",
        "+043 1 23456",
        "+0043 1 23456",
        "000 43 123456",
    ],
)
def test_a_phone_number_is_the_same_however_it_is_written(phone: str) -> None:
    """Spaces, signs, zeros before the country's code and a zone's `(0)` make no other number."""
    assert canonical_phone(phone) == "43123456"


def test_a_number_without_its_country_is_another_one() -> None:
    """No table of countries is asked."""
    assert canonical_phone("01 23456") == "0123456"
    assert canonical_phone("+000") == canonical_phone("000") == "000"


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        (" 192.0.2.7/24 ", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("2001:db8::7", "2001:db8::/64"),
        ("2001:db8::7%eth0", "2001:db8::/64"),
        ("2001:db8::/32", "2001:db8::/32"),
    ],
)
def test_a_network_has_one_form(text: str, network: str) -> None:
    """A customer of IPv6 has a /64, and an IPv4 address in IPv6 is one of IPv4."""
    assert canonical_value("address", text) == network


@pytest.mark.parametrize(
    "text", ["", "0.0.0.0/0", "10.0.0.0/7", "::/0", "::/15", "::ffff:0.0.0.0/97", "example.org", "1.2.3.4/33"]
)
def test_a_prefix_blocks_no_good_part_of_the_internet(text: str) -> None:
    """And a name is no network."""
    with pytest.raises(ValueError):  # noqa: PT011 - the caller has a message of its own
        read_network(text)


def test_the_address_of_a_caller_may_be_none() -> None:
    """As that of a socket in the file system."""
    assert number_of("unix:") is None
    assert number_of("::ffff:192.0.2.1") == number_of("192.0.2.1") == (4, 0xC0000201)
