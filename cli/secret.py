"""Keeps the secret in a file beside the database, and replaces the secret of a database."""

from __future__ import annotations

import logging
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import typer

from cli.admin import command_group
from cli.setting_values import SECRET_CHARACTERS
from cli.settings import BadSetting, Settings
from models.storage.database import database_file

_OTHER_USERS = stat.S_IRWXG | stat.S_IRWXO
_log = logging.getLogger("slotcast")

app = command_group("Change the secret of a database.")


@app.command("replace")
def replace_secret(context: typer.Context) -> None:
    """Give the database the secret of the settings. Stop every server first.

    After that all tokens are void, also the tokens of holds and bookings and thus the customers' links. The keys of
    repeated requests are void too.
    """
    context.obj.service().replace_secret()
    print("The database has a new secret. Tokens, links to bookings and keys made with another one are void.")


def with_secret(settings: Settings, *, makes_file: bool = True) -> Settings:
    """Return the settings with a secret: the set one, or that of the file. The first start makes the file."""
    path = secret_file(settings.database)
    if settings.secret or not (makes_file or path.exists()):
        return settings
    is_new = not path.exists()
    return replace(settings, secret=_read_or_make(path), is_secret_new=is_new)


def secret_file(database: str) -> Path:
    """Return the path of the file for a secret. It is used without a set secret."""
    return (database_file(database) or Path("slotcast.db")).with_suffix(".secret")


def _read_or_make(path: Path) -> bytes:
    try:
        if not path.exists():
            _make(path)
        kept = path.read_text().strip()
    except OSError as error:
        raise BadSetting(f"SLOTCAST_SECRET is not set, and {path} can't be kept: {error.strerror}") from error
    except UnicodeDecodeError:
        kept = ""
    if len(kept) < SECRET_CHARACTERS:
        raise BadSetting(f"SLOTCAST_SECRET: {path} holds no secret of {SECRET_CHARACTERS} characters; remove it")
    return kept.encode()


def _make(path: Path) -> None:
    """Write a new secret whole before it gets its name. Of two starting processes one wins."""
    draft = path.with_suffix(f".{os.getpid()}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(SECRET_CHARACTERS))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def is_kept(settings: Settings) -> bool:
    """Say if the secret is that of the file beside the database."""
    path = secret_file(settings.database)
    return path.exists() and path.read_bytes().strip() == settings.secret


def open_files(database: str) -> Iterator[tuple[Path, int]]:
    """Yield the files of the database and of a secret that other users of the machine may read, with their modes."""
    file = database_file(database)
    beside = [file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))] if file else []
    for path in (*beside, secret_file(database)):
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0
        if mode & _OTHER_USERS:
            yield path, mode


def warn_of_open_files(database: str) -> None:
    """Log a warning for each file that other users of the machine may read."""
    for path, mode in open_files(database):
        _log.warning("%s is open to other users of this machine (mode %04o): chmod 600 %s", path, mode, path)
