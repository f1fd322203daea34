"""The conformance vectors; the page is tested against them too."""

import json
from datetime import date, datetime
from typing import Any

import pytest

from models.contract.values.time import read_time, write_time
from models.schedule.expand import expand, read_schedule
from tests.models.schedule import local_time
from tests.support import ROOT

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/schedule.json").read_text())["vectors"]

each_vector = pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])


def _range(vector: dict[str, Any]) -> tuple[date, date]:
    return date.fromisoformat(vector["first"]), date.fromisoformat(vector["last"])


@each_vector
def test_a_schedule_yields_the_slots_worked_out_by_hand(vector: dict[str, Any]) -> None:
    """The service expands each vector to its working, to the millisecond."""
    slots = expand(read_schedule(vector["schedule"]), vector["zone"], *_range(vector))
    assert [(write_time(slot.start), write_time(slot.end)) for slot in slots] == [
        (slot["start"], slot["end"]) for slot in vector["slots"]
    ]


@each_vector
def test_a_second_reading_of_the_clocks_yields_the_same(vector: dict[str, Any]) -> None:
    """The vectors hold for a reader of the clocks at each moment, without a rule for gaps and overlaps."""
    found = local_time.slots(read_schedule(vector["schedule"]), vector["zone"], *_range(vector))
    assert found == [
        (datetime.fromisoformat(slot["start"]), datetime.fromisoformat(slot["end"])) for slot in vector["slots"]
    ]


@each_vector
def test_the_clocks_agree_with_the_vectors(vector: dict[str, Any]) -> None:
    """`local_start` and `local_end` are the zone's time at `start` and `end`."""
    for slot in vector["slots"]:
        for moment, local in (("start", "local_start"), ("end", "local_end")):
            shown = local_time.shown(vector["zone"], datetime.fromisoformat(slot[moment]))
            assert shown.isoformat(timespec="minutes") == slot[local]


def test_the_vectors_are_well_made() -> None:
    """Each has a name of its own, a working, and slots in order."""
    assert len({vector["name"] for vector in VECTORS}) == len(VECTORS)
    for vector in VECTORS:
        assert vector["why"]
        starts = [read_time(slot["start"]) for slot in vector["slots"]]
        assert starts == sorted(set(starts))


@pytest.mark.parametrize(
    "zone",
    [
        "Africa/Casablanca",
        "America/New_York",
        "America/Sao_Paulo",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Europe/London",
        "Pacific/Apia",
    ],
)
def test_the_difficult_zones_are_covered(zone: str) -> None:
    """The zones with known faults in other software have vectors."""
    assert any(vector["zone"] == zone for vector in VECTORS)
