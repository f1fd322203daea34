"""A book of its own, with a clock that stands still; it is audited when the test is over.

Each test runs on SQLite and on PostgreSQL; `@pytest.mark.only("sqlite")` marks what is about one of them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.service import SlotService
from tests.models.audit import audit
from tests.models.driver import Driver, FakeClock
from tests.support.postgres import Postgres

KINDS = ("sqlite", "postgres")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "only(kind): the test is about this kind of database")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kind" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("only")
        metafunc.parametrize("kind", only.args if only else KINDS)


@pytest.fixture
def database(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The URL of a database that does not exist yet, or has nothing in it."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path / 'slotcast.db'}"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.new_url()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def service(database: str, clock: FakeClock) -> Iterator[SlotService]:
    """An open book."""
    service = SlotService(database, b"a secret of the tests", clock=clock, synchronous="normal")
    service.open()
    yield service
    service.close()


@pytest.fixture
def driver(service: SlotService, clock: FakeClock) -> Iterator[Driver]:
    """The book with a calendar in it."""
    driver = Driver(service, clock)
    driver.create()
    yield driver
    audit(driver.path)
