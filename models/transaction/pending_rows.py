"""Rows that a batch's commands have made and the database does not have yet.

They are written together, by one call of the driver for each table. An insert between a savepoint and its release costs
a copy of the page before it, so these rows also stay out of the commands' savepoints.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from peewee import Model

from models.storage.compiled_query import CompiledInsert, CompiledQuery
from models.storage.dialect import Dialect

Row = tuple[Any, ...]
Updates = dict[tuple[CompiledQuery, str], dict[str, Any]]


class Mark(NamedTuple):
    """The state before a savepoint: the rows and the written rows of each table, and the updates."""

    counts: dict[type[Model], tuple[int, int]]
    updates: Updates


class _Inserts:
    """The rows of one table, in order. The first `written` ones are in the database."""

    __slots__ = ("rows", "statement", "written")

    def __init__(self, statement: CompiledInsert) -> None:
        self.statement = statement
        self.rows: list[Row] = []
        self.written = 0

    def write(self, db: Dialect) -> None:
        if self.written < len(self.rows):
            self.statement.run_many(db, self.rows[self.written :])
            self.written = len(self.rows)


class PendingRows:
    """Inserts in the order of each table, and updates of which only the last for each key counts.

    Rows written within a savepoint are pending again once it is rolled back.
    """

    __slots__ = ("_tables", "_updates")

    def __init__(self) -> None:
        self._tables: dict[type[Model], _Inserts] = {}
        self._updates: Updates = {}

    def insert(self, statement: CompiledInsert, row: Row) -> None:
        inserts = self._tables.get(statement.table)
        if inserts is None:
            inserts = self._tables[statement.table] = _Inserts(statement)
        inserts.rows.append(row)

    def update(self, statement: CompiledQuery, key: str, values: dict[str, Any]) -> None:
        """Replace the earlier update with this key."""
        self._updates[statement, key] = values

    def mark(self) -> Mark:
        counts = {table: (len(inserts.rows), inserts.written) for table, inserts in self._tables.items()}
        return Mark(counts, self._updates.copy())

    def roll_back(self, mark: Mark) -> None:
        """Forget the later rows. Earlier rows that were written after the mark are gone from the database."""
        for table, inserts in self._tables.items():
            count, inserts.written = mark.counts.get(table, (0, 0))
            del inserts.rows[count:]
        self._updates = mark.updates

    def write(self, db: Dialect) -> None:
        for inserts in self._tables.values():
            inserts.write(db)
        several: dict[CompiledQuery, list[dict[str, Any]]] = {}
        for (query, _), values in self._updates.items():
            several.setdefault(query, []).append(values)
        for query, each in several.items():
            query.run_many(db, each)
        self._updates = {}

    def write_table(self, db: Dialect, table: type[Model]) -> None:
        if table in self._tables:
            self._tables[table].write(db)
