"""The request log: one count and one line a request, for every protocol."""

import logging
import time
from collections import Counter

import pytest

from realtime.request_log import RequestCounts, RequestLog
from tests.support import ROOT


def test_a_line_has_its_code_its_time_and_its_id(caplog: pytest.LogCaptureFixture) -> None:
    """A request is counted always, and logged from info on."""
    counts = RequestCounts()
    log = RequestLog("slotcast.http", counts)
    log.write("GET /x", "ok", time.perf_counter(), "GET /x 200", "id")
    assert caplog.records == []
    caplog.set_level(logging.INFO, "slotcast.http")
    log.write("GET /x", "ok", time.perf_counter() - 1.5, "GET /x 200", "id")
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("GET /x 200 ok 150")
    assert line.endswith("ms request=id")
    assert counts.answers == {("GET /x", "ok"): 2}
    assert counts.times["GET /x"].sum > 1.5


def test_requests_that_are_answered_together_are_all_counted() -> None:
    """Each counts with its share of the time."""
    counts = RequestCounts()
    RequestLog("slotcast.http", counts).write_many(Counter(hold=3, book=1), "overloaded", time.perf_counter() - 4)
    assert counts.answers == {("hold", "overloaded"): 3, ("book", "overloaded"): 1}
    assert [round(counts.times[name].sum) for name in ("hold", "book")] == [3, 1]


def test_requests_are_logged_in_one_module() -> None:
    """No other module of the server writes a request's line."""
    lines = [path for path in (ROOT / "realtime").rglob("*.py") if "request=%s" in path.read_text()]
    assert lines == [ROOT / "realtime" / "request_log.py"]
