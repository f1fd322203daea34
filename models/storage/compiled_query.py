"""Peewee queries compiled to SQL once, so that a hot command does not build the same query tree again.

`bind` names the parameters of a query; a run gives them by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import repeat
from operator import itemgetter
from typing import Any

from peewee import SQL, Database, Model, Query, Value

from models.storage.dialect import Dialect


class _Bind:
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


def bind(name: str) -> Any:
    """Return a placeholder for the parameter `name`."""
    return Value(_Bind(name), converter=False, unpack=False)


def literal(value: int) -> Any:
    """Return a constant written into the SQL. With a parameter the database would use no partial index."""
    return SQL(str(int(value)))


InOrder = Callable[[dict[str, Any]], Sequence[Any]]


def _in_order(names: list[str]) -> InOrder:
    """Return a function that reads these values from a dictionary, in order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]


class CompiledQuery:
    """A query, compiled at its first run on each dialect."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._compiled: dict[type[Database], tuple[str, InOrder, dict[str, Any]]] = {}

    def _compile(self, db: Database) -> tuple[str, InOrder, dict[str, Any]]:
        sql, params = db.get_sql_context().sql(self._query).query()
        names: list[str] = []
        fixed: dict[str, Any] = {}
        for place, param in enumerate(params):
            if isinstance(param, _Bind):
                names.append(param.name)
            else:
                names.append(f"#{place}")
                fixed[f"#{place}"] = param
        compiled = self._compiled[type(db)] = (sql, _in_order(names), fixed)
        return compiled

    def _run(self, db: Database, values: dict[str, Any]) -> Any:
        sql, in_order, fixed = self._compiled.get(type(db)) or self._compile(db)
        if fixed:
            values |= fixed
        return db.execute_sql(sql, in_order(values))

    def sql(self, db: Database) -> str:
        return (self._compiled.get(type(db)) or self._compile(db))[0]

    def execute(self, db: Database, **values: Any) -> Any:
        """Run the query; return the driver's cursor."""
        return self._run(db, values)

    def run_many(self, db: Dialect, several: Sequence[dict[str, Any]]) -> None:
        """Run a query without rows for each of these values, by one call of the driver."""
        sql, in_order, fixed = self._compiled.get(type(db)) or self._compile(db)
        db.execute_many(sql, [in_order(values | fixed) for values in several])

    def run_columns(self, db: Dialect, **columns: Iterable[Any]) -> None:
        """Do the same for each row of these columns; one of them may be a `repeat`."""
        sql, in_order, fixed = self._compiled.get(type(db)) or self._compile(db)
        fixed_columns = {name: repeat(value) for name, value in fixed.items()}
        db.execute_many(sql, zip(*in_order(columns | fixed_columns), strict=False))

    def rows(self, db: Database, **values: Any) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._run(db, values).fetchall()
        return found

    def row(self, db: Database, **values: Any) -> tuple[Any, ...] | None:
        """Return the first row. All rows are read, since SQLite finishes a RETURNING only then."""
        found = self._run(db, values).fetchall()
        return found[0] if found else None


class CompiledInsert:
    """Inserts a row, given in the order of the table's columns, or with `is_optional` none where its key is taken."""

    def __init__(self, table: type[Model], *, is_optional: bool = False) -> None:
        self.table = table
        columns = table._meta.sorted_fields  # noqa: SLF001 - Peewee documents it
        insert = table.insert({column: bind(column.name) for column in columns})
        self._statement = CompiledQuery(insert.on_conflict_ignore() if is_optional else insert)
        self._sql: dict[type[Database], str] = {}

    def run(self, db: Database, row: tuple[Any, ...]) -> None:
        db.execute_sql(self._sql_of(db), row)

    def run_many(self, db: Dialect, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert these rows, by one call of the driver."""
        db.execute_many(self._sql_of(db), rows)

    def _sql_of(self, db: Database) -> str:
        sql = self._sql.get(type(db))
        if sql is None:
            sql = self._sql[type(db)] = self._statement.sql(db)
        return sql


class CompiledListQuery:
    """A query over a list, compiled for each power of two. The list is padded with its last item."""

    def __init__(self, build: Callable[[list[Any]], Query]) -> None:
        @lru_cache(maxsize=32)
        def statement(size: int) -> CompiledQuery:
            return CompiledQuery(build([bind(f"item{place}") for place in range(size)]))

        self._statement = statement

    def rows(self, db: Database, items: Sequence[Any], **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows; none without items. SQLite limits the parameters, so give some hundreds of items at most."""
        if not items:
            return []
        size = 1 << (len(items) - 1).bit_length()
        padded = (*items, *[items[-1]] * (size - len(items)))
        return self._statement(size).rows(db, **{f"item{place}": item for place, item in enumerate(padded)}, **values)

    def run(self, db: Database, items: Sequence[Any], **values: Any) -> None:
        """Run a query without rows."""
        if items:
            size = 1 << (len(items) - 1).bit_length()
            padded = (*items, *[items[-1]] * (size - len(items)))
            named = {f"item{place}": item for place, item in enumerate(padded)}
            self._statement(size).execute(db, **named, **values)
