"""Redis or Valkey as the carrier of notifications: one channel for a database.

A message is lost while a server is not connected, and the log heals it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.retry import Retry

from models.storage.commits.notice import BusDown

MOST_BYTES = 256 * 1024  # of one message; a larger row is read from the log
CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 1.0
RETRY_SECONDS = 1.0
WAIT_SECONDS = 0.5  # the longest wait for a message: an end of the thread takes as long
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
SCHEMES = ("redis", "rediss", "unix", "valkey", "valkeys")

_log = logging.getLogger("slotcast.redis")


def checked_url(url: str) -> str:
    """Return the URL as the client takes it; raise ValueError for another one. It does not connect."""
    parts = urlsplit(url)
    for name, value in parse_qsl(parts.query):
        if name in _FILES:
            _check_readable(name, value)
    if parts.scheme not in SCHEMES or not (parts.hostname or parts.path):
        raise ValueError("it must look like redis://user:password@host:6379 or rediss:// for TLS")
    url = url.replace("valkey", "redis", 1) if parts.scheme.startswith("valkey") else url
    try:
        with Redis.from_url(url, protocol=2) as client:
            client.connection_pool.make_connection()  # no connect, but a check of the parameters
    except (ValueError, TypeError):  # their texts may repeat a password
        raise ValueError("it must look like redis://user:password@host:6379 or rediss:// for TLS") from None
    return url


def _check_readable(name: str, path: str) -> None:
    try:
        with Path(path).open("rb"):
            pass
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(f"{name}: there is no file {path}") from None
    except OSError as error:
        raise ValueError(f"{name}: {path} can't be read: {error.strerror}") from None


class RedisBus:
    """One process's connections (a `Bus`): one sends, one listens. `publish` is for one thread."""

    most_bytes = MOST_BYTES

    def __init__(self, url: str, channel: str) -> None:
        self._channel = channel
        # RESP2 is the same in every version of Redis and Valkey. Nothing is tried twice: the log heals a loss.
        self._client = Redis.from_url(
            checked_url(url),
            protocol=2,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._rests_until = 0.0
        self._has_ended = threading.Event()
        self._thread: threading.Thread | None = None

    def publish(self, payloads: Sequence[str]) -> None:
        """Send the messages. After a failure it rests for a moment, so no caller waits twice."""
        if time.monotonic() < self._rests_until:
            raise BusDown("a moment ago it did not answer")
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for payload in payloads:
                    pipeline.publish(self._channel, payload)
                pipeline.execute()
        except (RedisError, OSError) as error:
            self._rests_until = time.monotonic() + RETRY_SECONDS
            raise BusDown(str(error)) from error

    def listen(self, take: Callable[[str], None], is_deaf: Callable[[], bool], turned: Callable[[bool], None]) -> None:
        if self._thread is None and not self._has_ended.is_set():
            self._thread = threading.Thread(
                target=self._run, args=(take, is_deaf, turned), name="slotcast-redis", daemon=True
            )
            self._thread.start()

    def close(self) -> None:
        self._has_ended.set()
        if self._thread is not None:
            self._thread.join(CONNECT_SECONDS + ANSWER_SECONDS)
        self._client.close()

    def _run(self, take: Callable[[str], None], is_deaf: Callable[[], bool], turned: Callable[[bool], None]) -> None:
        while not self._has_ended.is_set():
            pubsub = self._client.pubsub()
            try:
                pubsub.subscribe(self._channel)
                self._take_all(pubsub, take, is_deaf, turned)
            except (RedisError, OSError) as error:
                _log.warning("Redis carries no changes now: %s", error)
            except Exception:
                _log.exception("A message of Redis could not be read")
            finally:
                turned(False)  # noqa: FBT003 - the state
                with suppress(RedisError, OSError):
                    pubsub.close()
            self._has_ended.wait(RETRY_SECONDS)

    def _take_all(
        self, pubsub: PubSub, take: Callable[[str], None], is_deaf: Callable[[], bool], turned: Callable[[bool], None]
    ) -> None:
        while not self._has_ended.is_set():
            message = pubsub.get_message(timeout=WAIT_SECONDS)
            if message is None:
                if is_deaf():
                    raise TimeoutError("no message arrives")
            elif message["type"] == "subscribe":
                turned(True)  # noqa: FBT003 - the state
            else:
                take(message["data"].decode(errors="replace"))
