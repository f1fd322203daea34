"""Sends messages by SMTP, on a thread. The password goes over TLS only, but for this machine."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterable
from email.message import EmailMessage
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

SMTP_SECONDS = 20.0
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


class MailFailed(Exception):
    """A message was not sent. The text has no address and no password."""


def send(server: MailServer, messages: Iterable[EmailMessage]) -> list[MailFailed | None]:
    """Send the messages over one connection; return the failure of each. Raise MailFailed without a connection."""
    try:
        with _connect(server) as client:
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


def _connect(server: MailServer, seconds: float = SMTP_SECONDS) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.is_tls:
        client: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=seconds, context=context)
    else:
        client = smtplib.SMTP(server.host, server.port, timeout=seconds)
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
