"""A real SMTP server, in a thread: it keeps what it gets, and may refuse or want a login."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.port import free_port


class MailServer:
    """A mail server at `url`. With a `login` it takes mail of that user only."""

    def __init__(self, port: int | None = None, login: tuple[str, str] | None = None) -> None:
        self.port = port or free_port()
        self.mails: list[EmailMessage] = []
        self.refusal = ""  # the answer to each mail; none to take it
        self._login = login
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        user = ":".join(self._login) + "@" if self._login else ""
        return f"smtp://{user}127.0.0.1:{self.port}"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refusal:
            return self.refusal
        assert isinstance(envelope.content, bytes)
        mail: Any = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(mail)
        return "250 OK"

    def _authenticate(self, *arguments: Any) -> AuthResult:
        given = arguments[4]
        assert isinstance(given, LoginPassword)
        user, password = given.login.decode(), given.password.decode()
        return AuthResult(success=(user, password) == self._login, handled=False)  # else it tells no 535

    def __enter__(self) -> Self:
        wants: dict[str, Any] = {"auth_require_tls": False, "auth_required": True, "authenticator": self._authenticate}
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **(wants if self._login else {}))
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._controller is not None
        self._controller.stop()


def code_in(mail: EmailMessage) -> str:
    """Return the code of a mail."""
    found = re.search(r": (\d{6})\s", mail.get_content())
    assert found, mail.get_content()
    return found[1]
