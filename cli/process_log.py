"""The log on standard error, as text or as JSON."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cli.settings import Settings

REPEAT_SECONDS = 60.0
LINES_A_PERIOD = 3  # of one kind
TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"


# In the words of an exception: a quoted text, and an e-mail address. Python and its libraries repeat what they can't
# read, and that may be a customer's.
_TEXTS = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\S+@\S+""")


class TextFormatter(logging.Formatter):
    """Text, with traces that have no text of a client: the words of each exception are without quoted texts."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name of logging
        lines = super().formatException(ei).split("\n")
        return "\n".join(line if line.startswith((" ", "Traceback")) else _TEXTS.sub("'…'", line) for line in lines)


class JsonFormatter(TextFormatter):
    """One JSON object a line: `time` (UTC), `level`, `logger`, `message`, and `trace` of an exception."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class RepeatFilter(logging.Filter):
    """Holds back warnings and errors that repeat: a fault met by each request would fill the disk.

    Three of a kind are written in a minute. The first one of a later minute has the number of those held back. A kind
    is a text before its values are filled in, with the type and the place of the exception.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._periods: dict[tuple[object, ...], tuple[float, int]] = {}  # by kind: its begin, and the lines so far

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        kind, now = _kind_of(record), self._clock()
        began, count = self._periods.get(kind, (now, 0))
        if now - began >= REPEAT_SECONDS:
            if (held := count - LINES_A_PERIOD) > 0:
                record.msg, record.args = f"{record.getMessage()} ({held} more like this)", ()
            began, count = now, 0
        self._periods[kind] = (began, count + 1)
        return count < LINES_A_PERIOD


def _kind_of(record: logging.LogRecord) -> tuple[object, ...]:
    if not record.exc_info or record.exc_info[1] is None:
        return (record.name, record.msg)
    error = record.exc_info[1]
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = (last.tb_frame.f_code.co_filename, last.tb_lineno) if last is not None else ()
    return (record.name, record.msg, type(error), *place)


def start_log(settings: Settings) -> None:
    """Write the log of this process as the settings say."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else TextFormatter(TEXT))
    handler.addFilter(RepeatFilter())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
