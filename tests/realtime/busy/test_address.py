"""The addresses that may be fetched from."""

import socket

import pytest

from realtime.busy.address import PrivateAddress, is_public, open_any, open_public


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - an address to be refused
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("::127.0.0.1", False),
        ("::10.0.0.1", False),
        ("fec0::1", False),
        ("64:ff9b:1::7f00:1", False),
        ("64:ff9b:1:ffff::5db8:d822", False),
        ("::ffff:0:127.0.0.1", False),
        ("::ffff:0:93.184.216.34", True),
        ("2001:0:7f00:1::", False),
        ("3fff:1::1", False),
        ("5f00::1", False),
        ("64:ff9b::5db8:d822", True),
        ("localhost", False),
    ],
)
def test_only_addresses_of_the_internet_are_public(address: str, public: bool) -> None:
    """Private, local, shared and reserved ones are not, also inside an IPv6 address."""
    assert is_public(address) is public


def test_no_socket_is_made_for_a_private_address() -> None:
    """The check is at the last step before the connection."""
    info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80))
    with pytest.raises(PrivateAddress):
        open_public(info)
    open_any(info).close()
