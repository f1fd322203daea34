"""Sends messages by SMTP, on a thread. The password goes over TLS only, but for this machine.

A mail server has a bounded time for each answer, and for all of a connection, and its answers have a bounded size.
"""

from __future__ import annotations

import smtplib
import ssl
import time
from collections.abc import Iterable
from email.message import EmailMessage
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

SMTP_SECONDS = 20.0  # for each answer
CONNECTION_SECONDS = 60.0  # for a connection with all its messages
MOST_ANSWER_BYTES = 64_000
_PORTS = {"smtp": 587, "smtps": 465}
_LOCAL = {"localhost", "127.0.0.1", "::1"}


class MailServer(NamedTuple):
    """The address of the mail server, and the login there; no login without a user."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    is_tls: bool = False  # from the start; else STARTTLS


def read_server(url: str) -> MailServer | None:
    """Return the mail server of a URL, `smtp://user:password@host:587` or `smtps://…`; None for an empty text."""
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("it must look like smtp://user:password@host:587, or smtps:// for TLS from the start")
    return MailServer(
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        is_tls=parts.scheme == "smtps",
    )


class _Answers:
    """Reads the lines of a mail server: smtplib bounds neither the time nor the size of an answer of many parts."""

    def __init__(self, connection: Any, ends_at: float) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")
        self._ends_at = ends_at
        self._answer_ends_at = ends_at
        self._left = MOST_ANSWER_BYTES

    def begin(self, seconds: float) -> None:
        """Begin an answer, which may take so many seconds."""
        self._answer_ends_at = min(self._ends_at, time.monotonic() + seconds)
        self._left = MOST_ANSWER_BYTES

    def readline(self, most: int) -> bytes:
        line = b""
        while len(line) < most and not line.endswith(b"\n"):
            seconds = self._answer_ends_at - time.monotonic()
            if seconds <= 0 or self._left <= 0:
                raise TimeoutError("the answer takes too long")
            self._connection.settimeout(seconds)
            waiting = self._file.peek(1)[: min(most - len(line), self._left)]
            if not waiting:
                break
            count = waiting.find(b"\n") + 1 or len(waiting)
            line += self._file.read(count)
            self._left -= count
        return line

    def close(self) -> None:
        self._file.close()


class _Bounded:
    """Bounds each answer of smtplib's clients, to the `timeout` of the client."""

    ends_at: float | None = None
    file: Any
    sock: Any
    timeout: float

    def getreply(self) -> tuple[int, bytes]:
        if self.ends_at is None:
            self.ends_at = time.monotonic() + CONNECTION_SECONDS
        if self.file is None:
            self.file = _Answers(self.sock, self.ends_at)
        self.file.begin(self.timeout)
        reply: tuple[int, bytes] = super().getreply()  # type: ignore[misc]  # of smtplib
        self.sock.settimeout(self.timeout)  # for what is sent next
        return reply


class _Plain(_Bounded, smtplib.SMTP):
    """A connection that begins without TLS."""


class _Tls(_Bounded, smtplib.SMTP_SSL):
    """A connection with TLS from its start."""


class MailFailed(Exception):
    """A message was not sent. The text has no address and no password."""


def send(
    server: MailServer, messages: Iterable[EmailMessage], seconds: float = SMTP_SECONDS
) -> list[MailFailed | None]:
    """Send the messages over one connection; return the failure of each. Raise MailFailed without a connection."""
    try:
        with _connect(server, seconds) as client:
            return [_send_one(client, message) for message in messages]
    except (OSError, smtplib.SMTPException) as error:
        raise MailFailed(_reason(error)) from None


def greet(server: MailServer, seconds: float) -> str:
    """Connect and log in as for a mail, but send none; return a text of the connection's state. Raise MailFailed.

    Each step of the connection has so many seconds.
    """
    try:
        with _connect(server, seconds) as client:
            has_tls = isinstance(client.sock, ssl.SSLSocket)
            return ("with TLS" if has_tls else "without TLS") + (" and takes the login" if server.user else "")
    except (OSError, smtplib.SMTPException) as error:
        raise MailFailed(_reason(error)) from None


def _connect(server: MailServer, seconds: float) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.is_tls:
        client: smtplib.SMTP = _Tls(server.host, server.port, timeout=seconds, context=context)
    else:
        client = _Plain(server.host, server.port, timeout=seconds)
    try:
        client.ehlo()
        if not server.is_tls and client.has_extn("starttls"):
            client.starttls(context=context)
            client.ehlo()
        if server.user:
            _check_safe(server, client)
            client.login(server.user, server.password)
    except BaseException:
        client.close()
        raise
    return client


def _check_safe(server: MailServer, client: smtplib.SMTP) -> None:
    if not isinstance(client.sock, ssl.SSLSocket) and server.host not in _LOCAL:
        raise smtplib.SMTPNotSupportedError("the mail server offers no STARTTLS, and the password needs it")


def _send_one(client: smtplib.SMTP, message: EmailMessage) -> MailFailed | None:
    try:
        client.send_message(message)
    except smtplib.SMTPServerDisconnected as error:
        return MailFailed(_reason(error))
    except (smtplib.SMTPException, ValueError) as error:
        return MailFailed(_reason(error))
    return None


def _reason(error: Exception) -> str:
    """Return the kind of a failure and its code. A server's own text may repeat the customer's address."""
    code = getattr(error, "smtp_code", "")
    refused = getattr(error, "recipients", None)
    if isinstance(refused, dict) and refused:
        code = next(iter(refused.values()))[0]
    is_ours = isinstance(error, smtplib.SMTPNotSupportedError)
    return f"{type(error).__name__} {error if is_ours else code}".strip()
