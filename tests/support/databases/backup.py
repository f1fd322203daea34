"""A database restored into the served file, as an operator does it."""

from models.storage import backup
from models.storage.database import database_file


def copy(source: str, target: str) -> None:
    """Copy the database of one URL into that of another; others may have it open."""
    old, new = database_file(source), database_file(target)
    assert old is not None
    assert new is not None
    backup.copy(old, new)
