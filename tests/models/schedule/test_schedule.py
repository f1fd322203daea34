"""Schedules: accepted and refused ones, and the reasons."""

import pickle
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.errors import BadRequest
from models.schedule.schedule import Schedule, read_schedule

WINDOW = {"days": ["mon"], "start": "09:00", "end": "17:00"}
AUGUST = {"from": "2027-08-01", "until": "2027-08-31"}
SCHEDULE: dict[str, Any] = {"windows": [WINDOW], "slot_minutes": 30, "from": "2027-01-01"}
EVERYTHING: dict[str, Any] = {
    "windows": [
        WINDOW,
        {"rrule": "FREQ=MONTHLY;BYDAY=1MO", "start": "22:00", "end": "02:00"},
        {
            "days": ["tue"],
            "start": "18:00",
            "end": "20:00",
            "slot_minutes": 60,
            "step_minutes": 30,
            "capacity": 10,
            "from": "2027-03-01",
            "until": "2027-06-30",
            "data": {"title": "Yoga", "level": [1, 2.5, None, "ä"]},
        },
    ],
    "slot_minutes": 45,
    "step_minutes": 15,
    "capacity": 3,
    "from": "2027-01-01",
    "until": "2027-12-31",
    "horizon_days": 30,
    "closed": ["2027-12-25", {"from": "2027-07-01", "until": "2027-07-31"}, {**AUGUST, "name": "holiday"}],
    "extra": [
        {"date": "2027-12-25", "start": "10:00", "end": "24:00"},
        {"date": "2027-12-26", "start": "10:00", "end": "24:00", "slot_minutes": 20, "capacity": 4, "data": "brunch"},
    ],
}


def test_a_schedule_reads_as_it_was_written() -> None:
    """A schedule survives its own JSON and a pickle, and leaves out missing fields."""
    for given_json in (SCHEDULE, EVERYTHING):
        schedule = read_schedule(given_json)
        assert msgspec.json.decode(msgspec.json.encode(schedule)) == given_json
        assert msgspec.json.decode(msgspec.json.encode(schedule), type=Schedule) == schedule
        assert pickle.loads(pickle.dumps(schedule)) == schedule  # noqa: S301 - its own bytes


def _with(window: dict[str, Any] | None = None, /, **more: Any) -> dict[str, Any]:
    return {**SCHEDULE, **({"windows": [{**WINDOW, **window}]} if window else {}), **more}


def _without(name: str) -> dict[str, Any]:
    return {key: value for key, value in SCHEDULE.items() if key != name}


def _nested(depth: int) -> Any:
    inner: Any = []
    for _ in range(depth):
        inner = [inner]
    return inner


EXTRA = {"date": "2027-01-01", "start": "10:00", "end": "11:00"}


def _rule(text: Any) -> dict[str, Any]:
    return {**SCHEDULE, "windows": [{"rrule": text, "start": "09:00", "end": "17:00"}]}


@pytest.mark.parametrize(
    ("given_json", "field"),
    [
        (None, "schedule"),
        ([], "schedule"),
        ("", "schedule"),
        (_without("windows"), "windows"),
        (_without("slot_minutes"), "slot_minutes"),
        (_without("from"), "from"),
        (_with(colour="red"), "colour"),
        (_with({"colour": "red"}), "windows[0].colour"),
        (_with(windows={}), "windows"),
        (_with(windows=[WINDOW, 3]), "windows[1]"),
        (_with(windows=[WINDOW] * 33), "windows"),
        (_with({"days": ["monday"]}), "windows[0].days[0]"),
        (_with({"days": ["mon", "Tue"]}), "windows[0].days[1]"),
        (_with({"days": []}), "windows[0].days"),
        (_with({"days": "mon"}), "windows[0].days"),
        (_with({"days": None}), "windows[0].days"),
        (_with({"rrule": "FREQ=DAILY"}), "windows[0]"),
        (_with(windows=[{"start": "09:00", "end": "17:00"}]), "windows[0]"),
        (_with(windows=[{"days": ["mon"], "start": "09:00"}]), "windows[0].end"),
        *[(_with({"start": text}), "windows[0].start") for text in ("9:00", "24:00", "09:60", "09:00\n", "٠٩:00", 9)],
        *[(_with({"end": text}), "windows[0].end") for text in ("24:01", "25:00", "17:00:00", "", "24:00\n", None)],
        (_with({"start": "09:00", "end": "09:00"}), "windows[0].end"),
        *[(_with(slot_minutes=value), "slot_minutes") for value in (0, -5, 1_441, 10**30, 7.5, True, "30", None)],
        *[(_with(step_minutes=value), "step_minutes") for value in (0, -5, 1_441, "30")],
        *[(_with(capacity=value), "capacity") for value in (0, 10_001, None)],
        *[(_with(horizon_days=value), "horizon_days") for value in (0, 1_831, 10**9)],
        *[(_with(**{"from": value}), "from") for value in ("2027-02-30", "1969-12-31", "2200-01-01", "2027-1-1", 2027)],
        *[(_with(until=value), "until") for value in ("2026-12-31", "2200-01-01", "9999-12-31", "tomorrow")],
        (_with(closed="2027-01-01"), "closed"),
        (_with(closed=["2027-01-01", "2027-13-01"]), "closed[1]"),
        (_with(closed=["0001-01-01"]), "closed[0]"),
        (_with(closed=[{"from": "2027-01-02", "until": "2027-01-01"}]), "closed[0].until"),
        (_with(closed=[{"from": "2027-01-02"}]), "closed[0].until"),
        (_with(closed=[{"from": "0001-01-01", "until": "2027-01-01"}]), "closed[0].from"),
        (_with(closed=["2027-01-01"] * 1_001), "closed"),
        (_with(extra=[{"date": "2027-01-01", "start": "10:00"}]), "extra[0].end"),
        (_with(extra=[{"date": "1900-01-01", "start": "10:00", "end": "11:00"}]), "extra[0].date"),
        (_with(extra=[{"date": "2027-01-01", "start": "10:00", "end": "10:00"}]), "extra[0].end"),
        (_with(extra=[{"date": "2027-01-01", "start": "10:00", "end": "11:00", "days": ["mon"]}]), "extra[0].days"),
        *[(_with({"slot_minutes": value}), "windows[0].slot_minutes") for value in (0, 1_441, "30", 7.5)],
        *[(_with({"step_minutes": value}), "windows[0].step_minutes") for value in (0, 1_441, "30")],
        *[(_with({"capacity": value}), "windows[0].capacity") for value in (0, 10_001, "1", 1 << 80)],
        *[(_with({"from": value}), "windows[0].from") for value in ("2027-02-30", "1969-12-31", 2027)],
        *[(_with({"until": value}), "windows[0].until") for value in ("2200-01-01", "tomorrow")],
        (_with({"from": "2027-02-02", "until": "2027-02-01"}), "windows[0].until"),
        (_with({"data": "x" * 4_095}), "windows[0].data"),
        (_with({"data": "é" * 2_048}), "windows[0].data"),
        (_with({"data": "\ud800"}), "windows[0].data"),
        (_with({"data": _nested(5_000)}), "windows[0].data"),
        (_with(extra=[{**EXTRA, "capacity": 0}]), "extra[0].capacity"),
        (_with(extra=[{**EXTRA, "slot_minutes": 0}]), "extra[0].slot_minutes"),
        (_with(extra=[{**EXTRA, "data": ["x" * 4_093]}]), "extra[0].data"),
        (_with(extra=[{**EXTRA, "from": "2027-01-01"}]), "extra[0].from"),
        *[(_with(closed=[{**AUGUST, "name": text}]), "closed[0].name") for text in ("", " ", "a\nb", "x" * 201, 7)],
        (_rule(""), "windows[0].rrule"),
        (_rule(7), "windows[0].rrule"),
        (_rule("FREQ=HOURLY"), "windows[0].rrule"),
    ],
)
def test_a_bad_schedule_is_refused_by_the_name_of_the_field(given_json: Any, field: str) -> None:
    """The refusal names the first wrong field, in `details` and in its sentence."""
    with pytest.raises(BadRequest) as refused:
        read_schedule(given_json)
    assert refused.value.details["field"] == field
    assert f"`{field}`" in refused.value.message
    assert refused.value.message.endswith(".")


def test_the_refusal_says_which_value_to_send() -> None:
    """The sentence says which value to send instead."""
    with pytest.raises(BadRequest, match=r'`windows\[0\]\.start` is a time of day, like "09:00"\.'):
        read_schedule(_with({"start": "9 o'clock"}))
    with pytest.raises(BadRequest, match="`from` is missing: it is a date"):
        read_schedule(_without("from"))
    with pytest.raises(BadRequest, match=r"`closed\[1\]` is a date or an object with from and until\."):
        read_schedule(_with(closed=["2027-01-01", None]))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*EVERYTHING, "colour"]), _json), st.sampled_from(["windows", "extra"]), _json)
def test_whatever_comes_is_read_or_refused(mixed: dict[str, Any], name: str, inner: Any) -> None:
    """No JSON makes the reader fail in any other way than by BadRequest with a field."""
    fields: list[str] = []
    for given_json in (mixed, EVERYTHING | mixed, EVERYTHING | {name: [inner]}, inner):
        try:
            read_schedule(given_json)
        except BadRequest as refusal:
            fields.append(refusal.details["field"])
    assert all(fields)
