"""A process that books until it is killed, and says of each booking that it was answered.

`python -m tests.book.teller DATABASE` prints one id a line, each as soon as its answer is there.
"""

from __future__ import annotations

import os
import sys
import threading

from models.service import Book, Outcome
from tests.book.desk import EVER, FakeClock, booking, code


def main(url: str) -> None:
    book = Book(url, b"a secret of the tests", clock=FakeClock())
    book.open()
    left = threading.Semaphore(64)
    for slot in book.snapshot("room", -EVER, EVER).slots:

        def hear(outcome: Outcome, slot: str = slot.id) -> None:
            os.write(1, f"{slot} {code(outcome)}\n".encode())
            left.release()

        left.acquire()
        book.submit(booking(slot.id, key=f"the-key-for-{slot.id}"), hear)
    book.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
