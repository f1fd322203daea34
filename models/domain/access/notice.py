"""The notice of changed rights: a row of the log in no calendar.

Every server sees it as it sees the changes of calendars, and reads the rights again.
"""

from __future__ import annotations

from models.contract.changes import ACCESS_CALENDAR, Logged
from models.contract.values.ids import new_nonce
from models.domain.log import history
from models.storage.compiled_query import CompiledInsert
from models.storage.tables import Log
from models.transaction.transaction import Transaction

TYPE = "access.changed"
_insert = CompiledInsert(Log)


def announce(transaction: Transaction) -> None:
    """Append the notice. Its seq is a time with some random bits, as no lock puts two of them in order."""
    nonce = new_nonce()
    seq = transaction.now << 12 | int(nonce[:3], 16)
    row = (ACCESS_CALENDAR, seq, nonce, "", transaction.now, TYPE, b"{}", "", *history.NO_ENTRY)
    transaction.insert(_insert, row)
    transaction.logged.append(Logged(ACCESS_CALENDAR, seq, nonce, "", TYPE, b"{}"))
