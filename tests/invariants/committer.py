"""A process that books until it is killed, and says of each booking that it was answered.

`python -m tests.invariants.committer DATABASE` prints one id a line, each as soon as its answer is there.
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
    left = threading.Semaphore(64)
    for slot in service.snapshot("room", -EVER, EVER).slots:

        def hear(outcome: Outcome, slot: str = slot.id) -> None:
            os.write(1, f"{slot} {code(outcome)}\n".encode())
            left.release()

        left.acquire()
        service.submit(booking(slot.id, key=f"the-key-for-{slot.id}"), hear)
    service.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
