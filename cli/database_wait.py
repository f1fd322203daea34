"""Opens the database in a worker, or in the process that writes for workers, and waits while it can't be reached.

Such a process starts again at any time, and the database may be away just then. The supervisor ends with a process that
refuses its settings, so this is no refusal: it would take the workers that live along.
"""

from __future__ import annotations

import logging
import select
import sys

from models.service import SlotService, UnreachableDatabase

TRY_SECONDS = 1.0  # between two tries

_log = logging.getLogger("slotcast.workers")


def open_patiently(service: SlotService) -> None:
    """Open the database in a process of the supervisor, and wait while the database can't be reached.

    The supervisor's own process has opened it before, so the settings are not at fault.
    """
    supervisor = select.poll()
    supervisor.register(sys.stdin.fileno(), 0)  # its end, and no byte that it sends
    is_said = False
    while True:
        try:
            service.open()
        except UnreachableDatabase as error:
            if not is_said:
                _log.warning("This process waits for the database: %s", error)
                is_said = True
        else:
            return
        if supervisor.poll(TRY_SECONDS * 1_000):
            sys.exit()
