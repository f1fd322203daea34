"""A connection to PostgreSQL that waits for an answer for a time only."""

from __future__ import annotations

from typing import Any

import psycopg


class BoundedConnection(psycopg.Connection[Any]):
    """Gives up an answer after `answer_seconds`; None is for ever.

    A server that has frozen acknowledges bytes and keepalives all the same, and does not end a statement that is late.
    """

    answer_seconds: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for the driver's generator. A late answer is an OperationalError, and the connection is of no use."""
        return super().wait(gen, interval, self.answer_seconds if timeout is None else timeout)
