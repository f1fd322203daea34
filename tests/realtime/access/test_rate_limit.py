"""The budgets of addresses: a /64 is one address, and idle ones are forgotten."""

from realtime.access.rate_limit import Addresses


def test_addresses() -> None:
    """A /64 is one address; those with nobody connected are forgotten when there are too many."""
    addresses = Addresses(10, factor=10)
    one = addresses.of("2001:db8::1")
    assert addresses.of("2001:db8::ffff") is one
    assert addresses.of("2001:db8:0:1::1") is not one
    held = addresses.connect("192.0.2.1")
    held.open()
    for number in range(20_000):
        addresses.of(f"10.0.{number // 256}.{number % 256}")
    assert addresses.of("192.0.2.1") is held.address
    assert addresses.of("2001:db8::1") is not one
