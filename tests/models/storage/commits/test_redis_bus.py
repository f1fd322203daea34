"""Redis carries messages while it can, and says so when it can't."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.storage.commits.notice import BusDown
from models.storage.commits.redis_bus import RedisBus, checked_url
from tests.support import wait_until
from tests.support.certificate import make_certificate
from tests.support.databases.redis import PROGRAM, Redis


class Listener:
    """Records the messages and the states of a bus."""

    def __init__(self, bus: RedisBus) -> None:
        self.heard: list[str] = []
        self.listens: list[bool] = []
        self.is_deaf = False
        bus.listen(self.heard.append, lambda: self.is_deaf, self.listens.append)
        wait_until(lambda: self.listens == [True], what="the bus")


@pytest.fixture
def bus(redis: Redis) -> Iterator[RedisBus]:
    bus = RedisBus(redis.url, "slotcast:test")
    yield bus
    bus.close()


def test_messages_arrive_whole_and_in_order(bus: RedisBus) -> None:
    listener = Listener(bus)
    payloads = ["☃ \u2028 \\ \0", *("x" * size for size in (0, 1, 100_000)), *map(str, range(100))]
    bus.publish(payloads)
    wait_until(lambda: len(listener.heard) == len(payloads), what="every message")
    assert listener.heard == payloads


def test_the_url_asks_for_tls(tmp_path: Path) -> None:
    """`rediss://` carries messages, and a Redis with another certificate carries none."""
    if PROGRAM is None:
        pytest.skip("no Redis or Valkey on this machine (Debian: redis-server)")
    key, certificate = make_certificate(tmp_path)
    with Redis((key, certificate)) as redis:
        bus = RedisBus(f"{redis.url}?ssl_ca_certs={certificate}", "slotcast:test")
        listener = Listener(bus)
        bus.publish(["by TLS"])
        wait_until(lambda: listener.heard == ["by TLS"], what="the message")
        bus.close()
        stranger = RedisBus(redis.url, "slotcast:test")
        with pytest.raises(BusDown, match="certificate verify failed"):
            stranger.publish(["to a stranger"])
        stranger.close()


def test_a_channel_is_heard_by_its_own_servers_only(redis: Redis, bus: RedisBus) -> None:
    other = RedisBus(redis.url, "slotcast:other")
    listener = Listener(bus)
    other.publish(["of another database"])
    bus.publish(["mine"])
    wait_until(lambda: listener.heard == ["mine"], what="the message")
    other.close()


def test_a_restart_is_noticed_on_both_sides(redis: Redis, bus: RedisBus) -> None:
    listener = Listener(bus)
    redis.kill9()
    wait_until(lambda: listener.listens[-1] is False, what="the loss")
    with pytest.raises(BusDown):
        bus.publish(["lost"])
    with pytest.raises(BusDown, match="a moment ago"):
        bus.publish(["lost too, without a wait"])
    redis.start()
    wait_until(lambda: listener.listens[-1] is True, what="the bus again")

    def is_carried() -> bool:
        try:
            bus.publish(["again"])
        except BusDown:
            return False
        return True

    wait_until(is_carried, what="a message")
    wait_until(lambda: listener.heard == ["again"], what="the message")


def test_a_bus_that_goes_deaf_connects_again(bus: RedisBus) -> None:
    """As through a network that drops packets: the connection looks open."""
    listener = Listener(bus)
    listener.is_deaf = True
    wait_until(lambda: listener.listens == [True, False], what="the end of the connection")
    listener.is_deaf = False
    wait_until(lambda: listener.listens[-1] is True, what="the bus again")


def test_a_frozen_redis_costs_a_bounded_wait(redis: Redis, bus: RedisBus) -> None:
    bus.publish(["there"])
    redis.freeze()
    with pytest.raises(BusDown):
        bus.publish(["lost"])
    redis.thaw()


@pytest.mark.parametrize(
    "url",
    [
        *("", "redis://", "http://there", "there:6379", "redis://there:port", "redis://there/?db=x", "memcached://x"),
        "redis://user:password@there/?colour=red",
    ],
)
def test_a_bad_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="it must look like redis://"):
        checked_url(url)


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("valkey://there", "redis://there"),
        ("valkeys://u:p@there:6380/1", "rediss://u:p@there:6380/1"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_the_names_of_valkey_are_taken(url: str, taken: str) -> None:
    assert checked_url(url) == taken


def test_a_missing_certificate_is_named(tmp_path: Path) -> None:
    """Before a connection is tried: the client's own error has no path."""
    missing = tmp_path / "ca.pem"
    with pytest.raises(ValueError, match=f"ssl_ca_certs: there is no file {re.escape(str(missing))}"):
        checked_url(f"rediss://there?ssl_ca_certs={missing}")
    with pytest.raises(ValueError, match=f"ssl_ca_certs: {re.escape(str(tmp_path))} can't be read"):
        checked_url(f"rediss://there?ssl_ca_certs={tmp_path}")
