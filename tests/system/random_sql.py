"""Random SQL of another program on the tables of a running server, by the database's own command-line program."""

import asyncio
import random
import time
from collections.abc import Callable

from tests.support.databases.outsider import Refused, write

HOUR = 3_600_000
_SQLITE = (
    "PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = OFF",
    "PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON",
)
_POSTGRES = ("SET lock_timeout = '5s'", "SET default_transaction_isolation = 'repeatable read'")


class RandomSql:
    """Runs random scripts, each in a process of its own; the database refuses some of them.

    The slots are in two calendars. A script is one transaction, or one for each of its statements.
    """

    def __init__(self, database: str, calendars: tuple[str, str], seed: int) -> None:
        self._url = database
        self._is_sqlite = database.startswith("sqlite:")
        self._home, self._annex = calendars
        self._dice = random.Random(seed)
        self._first = int(time.time() * 1_000) // HOUR * HOUR + 24 * HOUR
        self.written = self.refused = 0
        self.last = ""

    def will_have_written(self, more: int) -> Callable[[], bool]:
        enough = self.written + more
        return lambda: self.written >= enough

    async def run(self, scripts: int) -> None:
        for _ in range(scripts):
            await self.write_one()

    async def write_one(self) -> None:
        body = "; ".join(self._dice.choice(self._statements()) for _ in range(self._dice.randint(1, 4)))
        if self._dice.random() < 0.5:
            body = f"BEGIN; {body}; COMMIT"
        self.last = f"{self._dice.choice(_SQLITE if self._is_sqlite else _POSTGRES)}; {body};"
        try:
            await asyncio.to_thread(write, self._url, self.last)
            self.written += 1
        except Refused:
            self.refused += 1

    def _some(self, table: str = "slot", column: str = "id", where: str = "TRUE") -> str:
        order = self._dice.choice(("id", "id DESC"))
        place = self._dice.randrange(12)
        return f"(SELECT {column} FROM {table} WHERE {where} ORDER BY {order} LIMIT 1 OFFSET {place})"

    def _statements(self) -> list[str]:
        own = self._sqlite_statements() if self._is_sqlite else self._postgres_statements()
        return self._slot_statements() + self._seat_statements() + self._dice.sample(own, 5)

    def _slot_statements(self) -> list[str]:
        start = self._first + self._dice.randrange(400) * HOUR
        some, other = self._some(where="state < 2"), self._some(where="state < 2")
        is_free = "id NOT IN (SELECT slot FROM booking) AND id NOT IN (SELECT slot FROM hold)"
        return [
            f"INSERT INTO slot (calendar, start, \"end\") VALUES ('{self._home}', {start}, {start + HOUR})",
            (
                'INSERT INTO slot (calendar, start, "end", capacity)'
                f' SELECT calendar, start + 60000, "end", 2 FROM slot WHERE id = {some}'
            ),
            f"UPDATE slot SET state = 1 - state WHERE id = {some} AND state < 2",
            f"UPDATE slot SET state = 2 WHERE id = {some} AND held + booked = 0",
            f"UPDATE slot SET capacity = capacity + 1 WHERE id = {some}",
            f'UPDATE slot SET start = start + 1000, data = \'{{"by": "hand"}}\' WHERE id IN ({some}, {other})',
            "UPDATE slot SET held = 0, booked = 0, blocked = 1, version = 0 WHERE capacity = 3",
            f"UPDATE slot SET calendar = '{self._annex}' WHERE id = {some}",
            f"UPDATE slot SET calendar = '{self._home}' WHERE calendar = '{self._annex}'",
            f"DELETE FROM slot WHERE start > {start} AND {is_free}",
            f"DELETE FROM slot WHERE id = {some} AND {is_free}",
            f"UPDATE calendar SET name = 'Shop {self._dice.randrange(99)}', seq = seq + 5 WHERE id = '{self._home}'",
            (
                f"INSERT INTO calendar (id, name) VALUES ('{self._home}', 'Again')"
                " ON CONFLICT (id) DO UPDATE SET name = excluded.name, nonce = excluded.nonce"
            ),
        ]

    def _seat_statements(self) -> list[str]:
        some, other = self._some(where="state < 2"), self._some(where="state < 2")
        calendar = self._dice.choice((self._home, self._annex))
        by_hand = self._some("booking", where="name = 'By hand'")
        return [
            f"INSERT INTO booking (calendar, slot, name) VALUES ('{calendar}', {some}, 'By hand')",
            f"INSERT INTO booking (calendar, slot, name, status) VALUES ('{calendar}', {some}, 'By hand', 'pending')",
            "UPDATE booking SET status = 'cancelled' WHERE name = 'By hand'",
            f"UPDATE booking SET slot = {other} WHERE id = {by_hand}",
            f"UPDATE booking SET seats = 3 - seats WHERE id = {by_hand} AND seats < 3",
            "DELETE FROM booking WHERE name = 'By hand'",
            f"DELETE FROM booking WHERE id = {by_hand}",
            f"INSERT INTO hold (calendar, slot) VALUES ('{calendar}', {some})",
            f"UPDATE hold SET slot = {other} WHERE holder = '' AND state = 0",
            f"UPDATE hold SET calendar = '{calendar}', expires_at = {self._first - 24 * HOUR} WHERE holder = ''",
            "DELETE FROM hold WHERE holder = ''",
            (
                "INSERT INTO booking (id, calendar, slot, name) SELECT id, calendar, slot, name FROM booking"
                f" WHERE id = {by_hand} ON CONFLICT (id) DO UPDATE SET seats = 1, slot = {other}"
            ),
        ]

    def _sqlite_statements(self) -> list[str]:
        some, other = self._some(where="state < 2"), self._some(where="state < 2")
        rowid = self._some(column="rowid")
        found = [
            f"UPDATE OR REPLACE slot SET rowid = {rowid} WHERE id = {some}",
            f"UPDATE OR REPLACE slot SET id = {other} WHERE id = {some}",
            "UPDATE OR IGNORE slot SET capacity = capacity - 1",
            f"REPLACE INTO slot SELECT * FROM slot WHERE id = {some}",
            (
                f'REPLACE INTO slot (rowid, calendar, start, "end") SELECT rowid, calendar, start, "end" FROM slot'
                f" WHERE id = {some}"
            ),
        ]
        for table in ("hold", "booking"):
            one, rowid = self._some(table), self._some(table, "rowid")
            found += [
                f"UPDATE OR REPLACE {table} SET oid = {rowid} WHERE id = {one}",
                f"UPDATE OR REPLACE {table} SET id = {self._some(table)}, slot = {other} WHERE id = {one}",
                f"REPLACE INTO {table} (rowid, calendar, slot) VALUES ({rowid}, '{self._annex}', {some})",
                f"REPLACE INTO {table} (id, calendar, slot) VALUES ({one}, '{self._annex}', {some})",
                f"INSERT OR IGNORE INTO {table} (calendar, slot) SELECT calendar, id FROM slot",
            ]
        return found

    def _postgres_statements(self) -> list[str]:
        some, other = self._some(where="state < 2"), self._some(where="state < 2")
        return [
            (
                f"MERGE INTO slot USING (VALUES ({some}, {other})) AS given (one, other) ON slot.id = given.one"
                " WHEN MATCHED AND slot.held + slot.booked > 0 THEN UPDATE SET capacity = slot.capacity + 1"
                " WHEN MATCHED THEN UPDATE SET state = 1"
            ),
            (
                "MERGE INTO booking USING slot ON booking.slot = slot.id AND booking.name = 'By hand'"
                " WHEN MATCHED THEN UPDATE SET note = 'merged'"
            ),
            "TRUNCATE hold",
            "TRUNCATE booking",
            "TRUNCATE booking, hold",
            (
                "WITH gone AS (DELETE FROM hold WHERE holder = '' RETURNING slot) UPDATE slot SET data = '1' FROM gone"
                " WHERE gone.slot = slot.id"
            ),
            (
                f"SET session_replication_role = replica; UPDATE slot SET data = '2' WHERE id = {some};"
                " SET session_replication_role = origin"
            ),
        ]
