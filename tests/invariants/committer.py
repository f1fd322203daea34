"""A process that books until it is killed, and reports each answer.

`python -m tests.invariants.committer DATABASE` prints the slot's id and the outcome, a line for each answer.
"""

from __future__ import annotations

import os
import sys
import threading

from models.service import Outcome, SlotService
from tests.models.driver import EVER, FakeClock, booking, code


def main(url: str) -> None:
    service = SlotService(url, b"a secret of the tests", clock=FakeClock())
    service.open()
    free_places = threading.Semaphore(64)
    for slot in service.snapshot("room", -EVER, EVER).slots:

        def on_outcome(outcome: Outcome, slot: str = slot.id) -> None:
            os.write(1, f"{slot} {code(outcome)}\n".encode())
            free_places.release()

        free_places.acquire()
        service.submit(booking(slot.id, key=f"the-key-for-{slot.id}"), on_outcome)
    service.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
