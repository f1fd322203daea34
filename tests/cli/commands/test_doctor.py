"""The checks of a deployment: each fault is named with its cure, and a sound one has none."""

import errno
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cli.commands import doctor
from tests.cli.command import Run, check_one_line
from tests.support import Server
from tests.support.mail_server import MailServer
from tests.support.port import free_port

GUESSED = "a" * 40


def _faults(output: str) -> str:
    return "\n".join(line for line in output.splitlines() if line.startswith("MEND"))


def test_a_sound_deployment(run: Run, tmp_path: Path) -> None:
    """A database of its own, with a proxy on this machine."""
    assert run("calendar", "create", "room").code == 0
    done = run("doctor", SLOTCAST_PROXIES="127.0.0.1")
    assert (done.code, done.errors) == (0, ""), done.output
    assert done.output.endswith("Nothing to mend.\n")
    assert "files: only their owner" in done.output


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"SLOTCAST_SECRET": GUESSED}, ("secret: SLOTCAST_SECRET can be guessed",)),
        ({"SLOTCAST_SECRET_PREVIOUS": GUESSED}, ("secret: SLOTCAST_SECRET_PREVIOUS can be guessed",)),
        ({"SLOTCAST_PUBLIC_URL": "http://example.org"}, ("tls: SLOTCAST_PUBLIC_URL=http://example.org",)),
        ({"SLOTCAST_METRICS_PUBLIC": "1"}, ("metrics: SLOTCAST_METRICS_PUBLIC",)),
        (
            {
                "SLOTCAST_JWKS_URL": "http://127.0.0.1:1/keys",
                "SLOTCAST_JWT_ISSUER": "https://a.example",
                "SLOTCAST_JWT_AUDIENCE": "slots",
            },
            ("issuer: no keys at SLOTCAST_JWKS_URL",),
        ),
        ({"SLOTCAST_ORIGINS": "*"}, ("origins: SLOTCAST_ORIGINS=*",)),
        ({"SLOTCAST_ORIGINS": "http://example.org"}, ("origins: http://example.org has no TLS",)),
        ({"SLOTCAST_PROXIES": "0.0.0.0/0"}, ("proxies: 0.0.0.0/0",)),
        ({"SLOTCAST_PROXIES": "8.0.0.0/8,2000::/16"}, ("proxies: 8.0.0.0/8", "proxies: 2000::/16")),
        ({"SLOTCAST_HOST": "0.0.0.0"}, ("tls: 0.0.0.0:8080 is plain HTTP",)),  # noqa: S104 - only a setting
        ({}, ("proxies: SLOTCAST_PROXIES is empty",)),
        ({"SLOTCAST_RATE": "0"}, ("limits: SLOTCAST_RATE=0",)),
        ({"SLOTCAST_SYNCHRONOUS": "normal"}, ("database: SLOTCAST_SYNCHRONOUS=normal",)),
        ({"SLOTCAST_ORIGIN": "https://a.example"}, ("settings: SLOTCAST_ORIGIN", "SLOTCAST_ORIGINS?")),
        ({"SLOTCAST_WORKERS": "64"}, ("workers: 64 workers",)),
        (
            {"SLOTCAST_DATABASE": "postgresql://a@127.0.0.1:1/b"},
            ("database: ", "can't be opened", "secret: each server"),
        ),
    ],
)
def test_a_fault_is_named(run: Run, settings: dict[str, str], words: tuple[str, ...]) -> None:
    """Each wrong setting has a line, and exit code 1."""
    if "SLOTCAST_DATABASE" not in settings and "SLOTCAST_SECRET" not in settings:
        assert run("calendar", "create", "room").code == 0
    done = run("doctor", **settings)
    assert done.code == 1, done
    for word in words:
        assert word in _faults(done.output), done.output
    assert GUESSED not in done.output


@pytest.mark.parametrize("proxies", ["10.0.0.0/8", "fc00::/7", "172.64.0.0/13,2a06:98c0::/29"])
def test_networks_of_proxies_are_no_fault(run: Run, proxies: str) -> None:
    """A private network may be wide, and that of a big provider of proxies is."""
    assert run("calendar", "create", "room").code == 0
    assert run("doctor", SLOTCAST_PROXIES=proxies).code == 0


def _mail(url: str) -> dict[str, str]:
    return {
        "SLOTCAST_SMTP_URL": url,
        "SLOTCAST_MAIL_FROM": "bookings@example.org",
        "SLOTCAST_PUBLIC_URL": "https://book.example.org",
        "SLOTCAST_PROXIES": "127.0.0.1",
    }


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # of the mail server of the test
def test_the_mail_server_is_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It logs in and sends nothing. A wrong password, a closed port and a silent server have a line each."""
    with MailServer(login=("slotcast", "a-password")) as mails:
        done = run("doctor", **_mail(mails.url))
        assert done.code == 0, done.output
        assert f"mail: 127.0.0.1:{mails.port} answers without TLS and takes the login" in done.output
        wrong = run("doctor", **_mail(mails.url.replace("a-password", "another")))
        assert "(SMTPAuthenticationError 535); check SLOTCAST_SMTP_URL" in _faults(wrong.output)
        assert "another" not in wrong.output
        assert mails.mails == []
    refused = run("doctor", **_mail(f"smtp://127.0.0.1:{free_port()}"))
    assert "(ConnectionRefusedError); check" in _faults(refused.output)
    monkeypatch.setattr(doctor, "_MAIL_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = run("doctor", **_mail(f"smtp://127.0.0.1:{silent.getsockname()[1]}"))
    assert done.code == 1
    assert "mail: 127.0.0.1:" in _faults(done.output)


def test_files_that_others_can_read(run: Run, tmp_path: Path) -> None:
    """The database and the secret; and a folder where anyone may replace them."""
    assert run("calendar", "create", "room").code == 0
    (tmp_path / "slotcast.secret").chmod(0o644)
    tmp_path.chmod(0o777)
    faults = _faults(run("doctor").output)
    assert f"chmod 600 {tmp_path / 'slotcast.secret'}" in faults
    assert f"chmod o-w {tmp_path}" in faults


def test_it_makes_no_file(run: Run, tmp_path: Path) -> None:
    """Nor a secret, which may be another user's then, nor a WAL of a file that is not its own."""
    done = run("doctor", SLOTCAST_PROXIES="127.0.0.1")
    assert done.code == 0
    assert "secret: the first start makes" in done.output
    assert not list(tmp_path.iterdir())
    other = tmp_path / "slotcast.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE calendar (id)")
    before = other.read_bytes()
    assert "is no database of Slotcast" in _faults(run("doctor").output)
    assert other.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["slotcast.db"]


def test_what_its_user_may_not_see(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's secret, and a loop of links, are lines like others."""
    assert run("calendar", "create", "room").code == 0
    with monkeypatch.context() as context:
        context.setattr("cli.commands.doctor.is_kept", _not_for_you)
        done = run("doctor", SLOTCAST_SECRET="0123456789abcdefghijklmnopqrstuvwxyz")
    assert done.code == 1
    assert "run doctor as the server's user" in _faults(done.output)
    (tmp_path / "loop.db").symlink_to("loop.db")
    faults = _faults(run("doctor", SLOTCAST_DATABASE=f"sqlite:///{tmp_path / 'loop.db'}").output)
    assert "loop.db" in faults
    with monkeypatch.context() as context:
        context.setattr("cli.settings.Setting.value_of", _not_for_you)
        check_one_line(run("doctor"), "slotcast.secret", "run it as the server's user")


def _not_for_you(*_: object) -> bool:
    raise PermissionError(errno.EACCES, "Permission denied", "slotcast.secret")


def test_another_secret_and_no_database(run: Run) -> None:
    """A secret that is not the database's is a fault; a database that is not made yet is none."""
    assert "the first start makes it" in run("doctor").output
    assert run("calendar", "create", "room").code == 0
    faults = _faults(run("doctor", SLOTCAST_SECRET="0123456789abcdefghijklmnopqrstuvwxyz").output)
    assert "SLOTCAST_SECRET is not the secret of this database" in faults


@pytest.mark.parametrize("url", ["ftp://x", "https://[bad", "https://", "http://x:99999", "http://user:word@x"])
def test_what_is_no_address_of_a_server(run: Run, url: str) -> None:
    """One line says so, without a traceback and without a password."""
    done = run("doctor", "--url", url)
    check_one_line(done, "--url looks like")
    assert "word" not in done.errors


def test_the_way_of_a_client(server: Server) -> None:
    """A running server, a port without one, and an address that is none."""
    output = server.try_command("doctor", "--url", server.url).stdout
    assert f"ok    url: {server.url} answers" in output
    assert "ok    websocket: it opens" in output
    assert "ok    tls: none, on this machine" in output
    assert (
        "url: http://127.0.0.1:1 does not answer" in server.try_command("doctor", "--url", "http://127.0.0.1:1").stdout
    )
    long = f"http://{'a' * 70}.example"
    assert f"url: {long} does not answer" in server.try_command("doctor", "--url", long).stdout
    assert "--url looks like" in server.try_command("doctor", "--url", "example").stderr
