"""The allowed addresses of a source of busy times: none inside the server's own network."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

# NAT64, IPv4-compatible and IPv4-translated addresses
_WITH_IPV4 = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"), IPv6Network("::ffff:0:0:0/96"))
# Some versions of Python take these for global ones: site-local, local NAT64, documentation, and segment routing.
_NOT_GLOBAL = tuple(map(IPv6Network, ("fec0::/10", "64:ff9b:1::/48", "3fff::/20", "5f00::/16")))


class PrivateAddress(OSError):
    """A connection to a private address."""


def is_public(text: str) -> bool:
    """Say if the address is one of the internet. An IPv4 address inside an IPv6 address counts as itself."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if not address.is_global or address.is_multicast or any(address in network for network in _NOT_GLOBAL):
        return False
    return all(is_public(str(inner)) for inner in _inside(address))


def _inside(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    if isinstance(address, IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _WITH_IPV4):
        found.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return [inner for inner in found if inner is not None]


def open_public(info: tuple[Any, ...]) -> socket.socket:
    """Make the socket for an address just resolved; PrivateAddress unless it is public.

    The check stands between the look-up and the connection, so a name can't be looked up again in between.
    """
    family, kind, protocol, _, place = info
    if not is_public(place[0]):
        raise PrivateAddress("The address is private.")
    return socket.socket(family=family, type=kind, proto=protocol)


def open_any(info: tuple[Any, ...]) -> socket.socket:
    """Make the socket for any address."""
    family, kind, protocol, _, _ = info
    return socket.socket(family=family, type=kind, proto=protocol)
