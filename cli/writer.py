"""Runs the process that writes for all workers, where the database is SQLite.

SQLite has one writer at a time. A process of its own gives it an interpreter of its own, and the workers get the rows
of each commit from it instead of looking for them in the file.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from cli.database_wait import open_patiently
from cli.heartbeat import beat_on_thread
from cli.settings import Settings
from models.storage.database import database_file
from realtime.engine import tune_collector
from realtime.writer_link.server import WriterServer


def has_writer(settings: Settings) -> bool:
    """Say if several workers have a process that writes for them."""
    return settings.workers > 1 and database_file(settings.database) is not None


def writers_of_each(writers: int, workers: int) -> int:
    """Return the number of writers of each worker, where the database takes several: they share those of one server.

    More writers than that take smaller batches, and a transaction costs as much as ten commands in it.
    """
    return max(1, writers // workers)


def socket_in(folder: Path) -> Path:
    """Return the path of the writer's socket. The workers' folder belongs to the server's user alone."""
    return folder / "writer.sock"


def write(settings: Settings, folder: Path, number: int) -> None:
    """Write for the workers until the supervisor and all of them have gone. `number` is this process's."""
    for end in (signal.SIGINT, signal.SIGTERM):  # a service's stop reaches all processes, and workers end first
        signal.signal(end, signal.SIG_IGN)
    service = settings.service()
    service.writers = 0
    open_patiently(service)
    server = WriterServer(
        socket_in(folder), sys.stdin.fileno(), service.foreign_commits(), lambda: service.writer_state
    )
    service.on_commit = server.send_rows
    tune_collector()
    beat_on_thread(folder, number)
    try:
        service.write_from(server, server.flush)
    finally:
        server.close()
        service.close()
