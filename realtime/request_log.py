"""The request log: a count and a log line for each answered request, over HTTP and Socket.IO."""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter, defaultdict

from models.contract.values.histogram import Histogram


class RequestCounts:
    """The counts by request and code, and a histogram of the seconds of each request. Only the loop's thread writes."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, str]] = Counter()
        self.times: defaultdict[str, Histogram] = defaultdict(Histogram)

    def count(self, name: str, code: str, seconds: float) -> None:
        """Count an answer. `name` is a route or a Socket.IO event, `code` is "ok" or the error's."""
        self.answers[name, code] += 1
        self.times[name].observe(seconds)


class RequestLog:
    """The log of one protocol's requests. All protocols share the counts."""

    def __init__(self, logger: str, counts: RequestCounts) -> None:
        self._log = logging.getLogger(logger)
        self._counts = counts

    def write(self, name: str, code: str, began: float, text: str, request_id: str = "") -> None:
        """Count a request and write its line: `text`, the code, the time since `began`, and an id.

        A name and a text have nothing of the client's own: a path may have ids, a query secrets.
        """
        seconds = time.perf_counter() - began
        self._counts.count(name, code, seconds)
        if self._log.isEnabledFor(logging.INFO):
            self._log.info("%s %s %.1fms request=%s", text, code, seconds * 1e3, request_id or new_request_id())

    def write_many(self, names: Counter[str], code: str, began: float) -> None:
        """Count requests that were answered together, without a line for each."""
        seconds = (time.perf_counter() - began) / names.total()
        for name, count in names.items():
            self._counts.answers[name, code] += count
            self._counts.times[name].observe(seconds, count)

    def write_failure(self, request_id: str) -> None:
        """Write the trace of the exception under way, under the id of the request's line."""
        self._log.exception("request=%s failed", request_id)


def new_request_id() -> str:
    """Return an id for a request that brought none."""
    return uuid.uuid4().hex
