"""Mail to a real SMTP server: what it takes, what it refuses, and the login."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from email.message import EmailMessage

import pytest

from realtime.mail.smtp import MailFailed, MailServer, greet, read_server, send
from tests.support.mail_server import MailServer as RealServer
from tests.support.port import free_port

allows_plain_login = pytest.mark.filterwarnings("ignore:Requiring AUTH")  # of the mail server of the test


def _message(to: str = "ada@example.org") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "bookings@example.org", to, "A code"
    message.set_content("123456")
    return message


def _server(url: str) -> MailServer:
    server = read_server(url)
    assert server is not None
    return server


@allows_plain_login
def test_messages_are_sent_over_one_connection() -> None:
    """Each arrives as it was written; a user and a password log in."""
    with RealServer(login=("slotcast", "p@ss")) as real:
        url = real.url.replace("p@ss", "p%40ss")
        assert send(_server(url), [_message(), _message("bob@example.org")]) == [None, None]
        assert [mail["To"] for mail in real.mails] == ["ada@example.org", "bob@example.org"]
        with pytest.raises(MailFailed, match="SMTP"):
            send(_server(url.replace("p%40ss", "wrong")), [_message()])


@allows_plain_login
def test_a_greeting_sends_no_mail() -> None:
    """It connects and logs in, and tells what it found. A wrong password is the server's answer, without its text."""
    with RealServer(login=("slotcast", "secret")) as real:
        assert greet(_server(real.url), 5) == "without TLS and takes the login"
        with pytest.raises(MailFailed, match=r"SMTPAuthenticationError 535\Z"):
            greet(_server(real.url.replace("secret", "wrong")), 5)
        assert real.mails == []
    with RealServer() as real:
        assert greet(_server(real.url), 5) == "without TLS"


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("answer", [b"", b"2", b"220-" + b"x" * 900 + b"\r\n", b"x" * 1_000], ids=len)
def test_a_slow_or_endless_answer_has_an_end(answer: bytes, scheme: str) -> None:
    """A mail server that is silent, sends a byte now and then, or lines without an end, has the time of one answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_answer_for_ever, args=(listening, answer))
        thread.start()
        began = time.monotonic()
        with pytest.raises(MailFailed):
            send(_server(f"{scheme}://127.0.0.1:{listening.getsockname()[1]}"), [_message()], 0.5)
        assert time.monotonic() - began < 5
        thread.join()


def _answer_for_ever(listening: socket.socket, answer: bytes) -> None:
    connection, _ = listening.accept()
    with connection, suppress(OSError):
        while answer:
            connection.sendall(answer)
            time.sleep(0.05 if len(answer) == 1 else 0)
        while connection.recv(1_000):
            pass


def test_a_refused_message_fails_alone_and_tells_no_address() -> None:
    """A full mailbox is the customer's. The log gets the code of the answer only."""
    with RealServer() as real:
        real.refusal = "452 the mailbox of ada@example.org is full"
        (failure,) = send(_server(real.url), [_message()])
        assert str(failure) == "SMTPDataError 452"
        real.refusal = ""
        assert send(_server(real.url), [_message()]) == [None]


def test_without_a_server_every_message_fails() -> None:
    """A refused connection is one failure for all."""
    with pytest.raises(MailFailed, match="ConnectionRefusedError"):
        send(_server(f"smtp://127.0.0.1:{free_port()}"), [_message()])


@allows_plain_login
def test_a_password_goes_over_tls_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another machine without STARTTLS gets no password."""
    monkeypatch.setattr("realtime.mail.smtp._LOCAL", set[str]())
    with RealServer(login=("slotcast", "secret")) as real, pytest.raises(MailFailed, match="STARTTLS"):
        send(_server(real.url), [_message()])


def test_a_url_is_read() -> None:
    """Ports have defaults, and anything else than a mail server's URL is refused."""
    assert read_server("") is None
    assert read_server("smtp://mail.example.org") == MailServer("mail.example.org", 587)
    assert read_server("smtps://a:b@mail.example.org") == MailServer("mail.example.org", 465, "a", "b", is_tls=True)
    for bad in ("http://mail.example.org", "smtp://", "smtp://host/path", "mail.example.org", "smtp://host:x"):
        with pytest.raises(ValueError, match=r"."):
            read_server(bad)
