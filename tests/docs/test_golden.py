"""The golden messages are read by this side of the wire too: by its schemas, its types and its replica."""

import json
from typing import Any

import msgspec
import pytest

from models.contract import answers, errors
from models.contract.changes import Change, Logged, Type
from models.contract.requests import EVERY_REQUEST
from models.contract.values.time import read_time
from models.service import PackedSlots, PlacedSlot, Snapshot
from realtime.answers import Error, Problem, StaffChange
from realtime.rooms.replica.replica import Replica
from tests.docs.closed import faults
from tests.docs.generate import GOLDEN


def _golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def _started() -> Replica:
    """A replica as it is after the golden snapshot."""
    told = msgspec.convert({**_golden("snapshot"), "ok": None}, answers.SnapshotAnswer)
    slots = PackedSlots.of(
        PlacedSlot(read_time(slot.start), read_time(slot.end), slot.id, msgspec.json.encode(slot))
        for slot in told.slots
    )
    nonce = told.cursor.partition(".")[2]
    return Replica(Snapshot(told.info, told.seq, nonce, read_time(told.to), -1, slots, []), 0)


def test_a_replica_that_applies_them_ends_where_they_say() -> None:
    """Snapshot and changes make the end: in Python as in TypeScript."""
    replica, end = _started(), _golden("end")
    for change in _golden("changes"):
        nonce = change["cursor"].partition(".")[2]
        body = msgspec.json.encode(change)
        replica.apply(Logged("demo", change["seq"], nonce, replica.nonce, change["type"], body))
    slots = replica.joined(replica.cut(0, 1 << 60, 0))
    assert json.loads(b"[%b]" % slots) == end["slots"]
    assert (replica.seq, replica.cursor) == (end["seq"], end["cursor"])
    assert msgspec.to_builtins(replica.info) == end["info"]


def test_there_is_one_of_each() -> None:
    """Every change type, request and error code has its golden message."""
    assert [change["type"] for change in _golden("changes")] == list(Type)
    assert set(_golden("answers")) == set(EVERY_REQUEST)
    codes = [kind.code for kind in errors.EVERY]
    assert list(_golden("errors")) == list(_golden("problems")) == codes


@pytest.mark.parametrize("kind", [Change, StaffChange])
def test_changes_fit_their_schema(kind: type[Change]) -> None:
    """A golden change has the fields of its schema and no others."""
    for change in _golden("changes" if kind is Change else "staff_changes"):
        assert faults(change, kind) == []


def test_answers_fit_their_schema() -> None:
    """A golden answer has the fields of its schema and no others."""
    for name, ack in _golden("answers").items():
        assert ack.pop("ok") is True
        assert faults(ack, *EVERY_REQUEST[name].wire.answers) == [], name


def test_refusals_fit_their_schema() -> None:
    """A golden error has the fields of its schema and no others, over sockets and over HTTP."""
    for ack in _golden("errors").values():
        assert ack["ok"] is False
        assert faults(ack["error"], Error) == []
    for told in _golden("problems").values():
        assert faults(told["body"], Problem) == []
