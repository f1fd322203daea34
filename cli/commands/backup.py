"""The commands `server.py backup` and `server.py restore`: copy a SQLite database, and check the copy."""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Annotated

import typer

from cli.admin import opened_service
from cli.secret import secret_file
from cli.settings import BadSetting, Settings
from models.contract.commands.background import RaiseFeedFloor
from models.service import SlotService
from models.storage import backup
from models.storage.database import database_file

_SHOWN = 20  # faults of one copy
_PROGRESS_SECONDS = 1.0

File = Annotated[Path, typer.Argument(help="The file of the backup.")]


def back_up(
    context: typer.Context,
    file: File,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> int:
    """Copy the database into a file while servers run, and audit the copy: exit code 1 if it has a fault.

    The secret is not in the copy. PostgreSQL has pg_dump.
    """
    settings: Settings = context.obj
    source = _file_of(settings, "pg_dump")
    if not source.exists():
        raise BadSetting(f"SLOTCAST_DATABASE: there is no {source}")
    if file.exists() and not file.is_file():  # a folder, or a device, which the copy would replace
        raise BadSetting(f"{file} is no file; name one")
    for own in _own_files(source, secret_file(settings.database)):  # running servers would write on into a replaced one
        if file.resolve() == own.resolve() or (file.exists() and own.exists() and file.samefile(own)):
            raise BadSetting(f"{file} is the database itself, or a file of it")
    if file.exists() and not force:
        raise BadSetting(f"{file} exists; --force replaces it")
    draft = file.with_name(f"{file.name}.{os.getpid()}.draft")
    try:
        backup.copy(source, draft, _progress())
        is_good = _print_faults(settings, draft)
        draft.replace(file)
    finally:
        _remove(draft)
    print(f"{file} has {file.stat().st_size / 1e6:,.1f} MB. Keep the secret with it: {_secret_of(settings)}.")
    return 0 if is_good else 1


def restore(
    context: typer.Context,
    file: File,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> int:
    """Replace the database by a backup, also under running servers: their clients get a snapshot.

    A faulty file is refused. The replaced database is kept beside the new one, with the time in its name. Triggers that
    are not Slotcast's are left out, and named.
    """
    settings: Settings = context.obj
    target = _file_of(settings, "pg_restore")
    if not file.is_file():
        raise BadSetting(f"there is no file {file}")
    if not backup.is_ours(file):
        raise BadSetting(f"{file} is no database of Slotcast")
    if target.exists() and target.samefile(file):
        raise BadSetting(f"{file} is the database itself")
    if not _print_faults(settings, file):
        print(f"slotcast: {file} has faults, so nothing was restored", file=sys.stderr)
        return 1
    _check_room(target, file)
    kept = None
    if target.exists():
        if not yes:
            typer.confirm(f"Replace {target} by {file}?", abort=True)
        kept = _unused(target.with_stem(f"{target.stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"))
        backup.copy(target, kept)
    _replace(target, file)
    try:
        with opened_service(context) as service:
            service.run(RaiseFeedFloor(calendar=""))
            calendars = len(service.calendars())
    except Exception:
        if kept is not None:
            backup.copy(kept, target)
            print(f"slotcast: {file} does not open, so {target} is as it was", file=sys.stderr)
        raise
    print(
        f"{target} has {calendars:,} calendar{'s' * (calendars != 1)} of {file}."
        + (f" The former one is {kept}." * bool(kept))
    )
    return 0


def _check_room(target: Path, file: Path) -> None:
    """Refuse a restore that would fill the disk: with a half of it written there is no room to take it back.

    The former database is kept, and the new one is written to the WAL and then to the file. A draft is one more.
    """
    folder, size = target.resolve().parent, file.stat().st_size
    needed = 3 * size + (target.stat().st_size if target.exists() else 0)
    free = shutil.disk_usage(folder).free
    if free < needed:
        text = f"needs {needed / 1e6:,.1f} MB in {folder}, and {free / 1e6:,.1f} MB are free; nothing was restored"
        raise BadSetting(f"the restore {text}")


def _replace(target: Path, file: Path) -> None:
    """Copy the file into the database. One with other pages or with foreign triggers is first written anew."""
    triggers = backup.foreign_triggers(file)
    size = backup.page_bytes(target) if target.exists() else backup.page_bytes(file)
    if not triggers and size == backup.page_bytes(file):
        backup.copy(file, target, _progress())
        return
    draft = target.with_name(f"{target.name}.{os.getpid()}.draft")
    try:
        backup.copy(file, draft)
        backup.fit(draft, size)
        backup.copy(draft, target, _progress())
    finally:
        _remove(draft)
    for name in triggers:
        print(f"{file}: the trigger {name!r} is not Slotcast's, and was left out", file=sys.stderr)


def _remove(draft: Path) -> None:
    with suppress(OSError):  # of a name that can be none, which the copy has told
        for end in ("", "-wal", "-shm", "-journal"):
            draft.with_name(draft.name + end).unlink(missing_ok=True)


def _own_files(database: Path, secret: Path) -> tuple[Path, ...]:
    """Return the files that a database in use has."""
    return (database, *(database.with_name(database.name + end) for end in ("-wal", "-shm", "-journal")), secret)


def _file_of(settings: Settings, tool: str) -> Path:
    file = database_file(settings.database)
    if file is None:
        raise BadSetting(f"SLOTCAST_DATABASE is a PostgreSQL: use its {tool}, as docs/operations.md shows")
    return file


def _unused(path: Path) -> Path:
    """Return the path, or the same with a number, where no file is."""
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(one for one in chain([path], numbered) if not one.exists())


def _secret_of(settings: Settings) -> str:
    file = secret_file(settings.database)
    return str(file) if file.exists() else "SLOTCAST_SECRET"


def _print_faults(settings: Settings, file: Path) -> bool:
    """Print what is wrong with a copy, and say if nothing is. An older schema is checked as a file only."""
    faults = backup.damage(file)
    if not faults:
        service = SlotService(
            url=f"sqlite:///{file.resolve()}", secret=settings.secret, previous_secret=settings.secret_previous
        )
        found = service.audit_as_it_is()
        faults = [str(finding) for finding in found or ()]
        if found is None:
            print("The copy is whole. It is of an older release, so its rows were not audited.", file=sys.stderr)
    for fault in faults[:_SHOWN]:
        print(f"{file}: {fault}", file=sys.stderr)
    if len(faults) > _SHOWN:
        print(f"{file}: and {len(faults) - _SHOWN:,} more", file=sys.stderr)
    return not faults


def _progress() -> backup.OnCopied:
    """Return a report of a long copy, for a terminal."""
    shown_at = time.monotonic()

    def show(done: int, pages: int) -> None:
        nonlocal shown_at
        if sys.stderr.isatty() and time.monotonic() - shown_at > _PROGRESS_SECONDS:
            shown_at = time.monotonic()
            print(f"{done / max(pages, 1):.0%} of {pages:,} pages copied", file=sys.stderr)

    return show
