"""Brings the spellings of a blocked e-mail address, phone number, network address or `sub` to one form, to compare."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal, get_args

from models.contract.values.canonical_email import canonical_email

BlockKind = Literal["email", "phone", "address", "sub"]
KINDS: tuple[BlockKind, ...] = get_args(BlockKind)
Network = IPv4Network | IPv6Network

# A shorter prefix blocks a good part of the internet.
SHORTEST_PREFIX = {4: 8, 6: 16}
_LONGEST_V6 = 64  # one customer has a /64
_MAPPED = ip_network("::ffff:0:0/96")
_TRUNK = re.compile(r"\( *0 *\)")  # +43 (0)1 234: dialled within the country only
_CACHED = 4_096


@lru_cache(maxsize=_CACHED)
def canonical_phone(phone: str) -> str:
    """Return the digits of a number without the prefix of a call abroad: `+43 1 234` and `0043 1 234` are the same.

    No country's code begins with 0, so further zeros before it are left out. A number without its country stays another
    one: no table of countries is asked.
    """
    digits = "".join(filter(str.isdigit, _TRUNK.sub("", phone)))
    is_abroad = "+" in phone or digits.startswith("00")
    return (digits.lstrip("0") or digits) if is_abroad else digits


def read_network(text: str) -> Network:
    """Return the network of an address or a prefix; ValueError for another text, or for a prefix that is too short.

    An IPv6 network is a /64 at least, and an IPv4 address in IPv6 is that of IPv4.
    """
    network = ip_network(text.strip().partition("%")[0], strict=False)
    if isinstance(network, IPv6Network):
        if network.subnet_of(_MAPPED):  # type: ignore[arg-type]  # it is IPv6
            mapped = IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
            return _long_enough(mapped)
        if network.prefixlen > _LONGEST_V6:
            network = network.supernet(new_prefix=_LONGEST_V6)
    return _long_enough(network)


def _long_enough(network: Network) -> Network:
    least = SHORTEST_PREFIX[network.version]
    if network.prefixlen < least:
        message = f"a prefix has at least {least} bits"
        raise ValueError(message)
    return network


@lru_cache(maxsize=_CACHED)
def number_of(address: str) -> tuple[int, int] | None:
    """Return the version and the number of an address; None for what is none, as a path of a socket."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        return 4, int(parsed.ipv4_mapped)
    return parsed.version, int(parsed)


def canonical_value(kind: BlockKind, value: str) -> str:
    """Return the same text for all spellings of a value; ValueError for a network that is none."""
    if kind == "email":
        return canonical_email(value)
    if kind == "phone":
        return canonical_phone(value)
    return str(read_network(value)) if kind == "address" else value
