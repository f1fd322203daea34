"""A book on a file of its own, with a clock that stands still; it is audited when the test is over."""

from collections.abc import Iterator

import pytest

from models.service import Book
from tests.book.audit import audit
from tests.book.desk import Desk, FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def book(database: str, clock: FakeClock) -> Iterator[Book]:
    """An open book."""
    book = Book(database, b"a secret of the tests", clock=clock, synchronous="normal")
    book.open()
    yield book
    book.close()


@pytest.fixture
def desk(book: Book, clock: FakeClock) -> Iterator[Desk]:
    """The book with a calendar in it."""
    desk = Desk(book, clock)
    desk.create()
    yield desk
    audit(desk.path)
