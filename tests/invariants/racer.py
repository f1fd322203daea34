"""Several processes that book the same seats. They print the counts of their outcomes as JSON.

`python -m tests.invariants.racer DATABASE guarded|check-then-insert PROCESSES` forks them, so that they import nothing.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
from collections import Counter
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier

import models.storage.postgres  # noqa: F401 - once, and not in each of the processes
from models.contract.commands.background import TrimLog
from models.contract.commands.bookings import BookSlot, Person
from models.contract.principal import Principal
from models.domain.slots import capacity
from models.service import Outcome, SlotService
from models.storage.compiled_query import CompiledQuery, bind
from models.storage.seat_guard import SLOT_COLUMNS
from models.storage.tables import Slot
from tests.models.driver import EVER, FakeClock, code

AT_ONCE = 25
ANSWER_SECONDS = 60


def main(url: str, guard: str, processes: str) -> None:
    forking = multiprocessing.get_context("fork")
    start, results = forking.Barrier(int(processes)), forking.SimpleQueue()
    racers = [forking.Process(target=race, args=(url, guard, start, results)) for _ in range(int(processes))]
    for racer in racers:
        racer.start()
    codes: Counter[str] = Counter()
    for _ in racers:
        codes.update(results.get())
    for racer in racers:
        racer.join()
        assert racer.exitcode == 0
    print(json.dumps(codes))


def race(url: str, guard: str, start: Barrier, results: SimpleQueue[Counter[str]]) -> None:
    """Book every slot, once all processes are ready."""
    service = SlotService(url, b"a secret of the tests", clock=FakeClock(), synchronous="normal", writers=1)
    service.open()
    if guard == "check-then-insert":
        _unguard(service)
    wanted = [slot.id for slot in service.snapshot("room", -EVER, EVER).slots]
    start.wait(ANSWER_SECONDS)
    codes: Counter[str] = Counter()
    for place in range(0, len(wanted), AT_ONCE):
        some = wanted[place : place + AT_ONCE]
        if guard == "check-then-insert":
            free = _free(service)
            codes["seen taken"] += len(set(some) - free)
            some = [slot for slot in some if slot in free]
        codes.update(_ask(service, some))
    service.close()
    results.put(codes)


def _ask(service: SlotService, some: list[str]) -> list[str]:
    """Book all of them at once; return the codes of the outcomes."""
    answered = threading.Semaphore(0)
    codes: list[str] = []

    def on_outcome(outcome: Outcome) -> None:
        codes.append(code(outcome))
        answered.release()

    me = Principal(address=f"192.0.2.{os.getpid() % 250}")
    for slot in some:
        key = f"{os.getpid():08}-{slot}"
        service.submit(BookSlot(principal=me, key=key, slot=slot, customer=Person(name="Racer")), on_outcome)
    is_answered = [answered.acquire(timeout=ANSWER_SECONDS) for _ in some]
    return codes if all(is_answered) else ["never answered"]


def _free(service: SlotService) -> set[str]:
    return {slot.id for slot in service.snapshot("room", -EVER, EVER).slots if b'"remaining":1' in slot.body}


def _unguard(service: SlotService) -> None:
    """Check first and write afterwards, like a naive system: the write has no guard, and the CHECK is off."""
    unguarded = capacity._move_seats(capacity._fewer_over).where((Slot.id == bind("slot")) & (bind("seats") > 0))
    capacity._take = CompiledQuery(unguarded.returning(*SLOT_COLUMNS))
    done = threading.Event()

    def on_writer(_: Outcome) -> None:
        service._db.execute_sql("PRAGMA ignore_check_constraints = 1")
        done.set()

    service.submit(TrimLog(calendar="nobody"), on_writer)
    done.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
