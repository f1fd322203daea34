"""A snapshot shows one instant of the database."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.models.driver import EVER, Driver


def test_a_snapshot_is_of_one_instant(driver: Driver) -> None:
    """A commit between two reads of a snapshot is in neither; otherwise it would be lost for ever."""
    (slot,) = driver.open()
    seq = driver.service.snapshot("room", -EVER, EVER).seq
    reader, run = threading.get_ident(), driver.service._db.execute_sql
    read: list[str] = []

    def book_meanwhile(sql: str, params: Sequence[Any] | None = None) -> Any:
        if threading.get_ident() != reader:
            return run(sql, params)
        found = run(sql, params)
        if "FROM" in sql and not read:
            read.append(sql)
            driver.reserve(slot)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver.service._db, "execute_sql", book_meanwhile)
        taken = driver.service.snapshot("room", -EVER, EVER)
    assert read, "somebody booked meanwhile"
    assert taken.seq == seq
    assert [msgspec.json.decode(one.body)["status"] for one in taken.slots] == ["open"]
    assert driver.slot(slot)["status"] == "booked"
