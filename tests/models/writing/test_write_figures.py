"""The figures of the writers: a transaction counts once, with its commands and its times."""

from models.writing.write_figures import WriteFigures
from tests.models.driver import Driver


def test_a_transaction_is_one_value_of_each() -> None:
    figures = WriteFigures()
    figures.note(7, 0.002, 0.02)
    assert dict(figures.sizes.cumulative)["5"] == 0
    assert dict(figures.sizes.cumulative)["10"] == 1
    assert (figures.sizes.sum, figures.lock_seconds.sum, figures.seconds.sum) == (7, 0.002, 0.02)


def test_the_writers_note_their_transactions(driver: Driver) -> None:
    """The wait for the locks is a part of the time."""
    before = driver.service.figures.sizes.sum
    driver.reserve(driver.open()[0])
    figures = driver.service.figures
    assert figures.sizes.sum == before + 2
    assert 0 < figures.lock_seconds.sum < figures.seconds.sum
