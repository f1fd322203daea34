"""A connection gives up a late answer, and one without a bound waits for it."""

from __future__ import annotations

import time
from contextlib import closing

import psycopg
import pytest

from models.storage.bounded_connection import BoundedConnection
from tests.support.databases.postgres import Postgres

SECONDS = 0.2


def test_a_late_answer_is_given_up(postgres: Postgres) -> None:
    """An answer in time comes. A late one is an error long before it would come."""
    with closing(BoundedConnection.connect(postgres.new_url(), autocommit=True)) as connection:
        connection.answer_seconds = SECONDS
        assert connection.execute("SELECT 1").fetchone() == (1,)
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT pg_sleep(60)")
        assert time.monotonic() - began < 30


def test_without_a_bound_it_waits(postgres: Postgres) -> None:
    with closing(BoundedConnection.connect(postgres.new_url(), autocommit=True)) as connection:
        assert connection.execute(f"SELECT 1 FROM pg_sleep({2 * SECONDS})").fetchone() == (1,)
