"""Each test has its own database and a clock that it sets; the database is audited after the test.

Each test runs on SQLite and on PostgreSQL; `@pytest.mark.only("sqlite")` limits a test to one of them.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import pytest

from models.service import SlotService
from tests.models.database_audit import audit
from tests.models.driver import Driver, FakeClock
from tests.models.migrated import copy_migrated, lend_migrated
from tests.models.outside import Outside
from tests.support.databases.postgres import Postgres

KINDS = ("sqlite", "postgres")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kind" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("only")
        metafunc.parametrize("kind", only.args if only else KINDS)


@pytest.fixture
def database(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield the URL of a new database. It is empty if the test uses no service of the fixtures."""
    is_migrated = not {"service", "open_service"}.isdisjoint(request.fixturenames)
    if kind == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        with lend_migrated(postgres) if is_migrated else nullcontext(postgres.new_url()) as url:
            yield url
        return
    path = tmp_path / "slotcast.db"
    if is_migrated:
        copy_migrated(path)
    yield f"sqlite:///{path}"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def service(database: str, clock: FakeClock) -> Iterator[SlotService]:
    """Return an open service."""
    service = SlotService(database, b"a secret of the tests", clock=clock, synchronous="normal", sends_mail=True)
    service.open()
    yield service
    service.close()


@pytest.fixture
def driver(service: SlotService, clock: FakeClock) -> Iterator[Driver]:
    """Return the service with one calendar."""
    driver = Driver(service, clock)
    driver.create()
    yield driver
    audit(driver.path)


@pytest.fixture
def open_service(database: str, clock: FakeClock) -> Iterator[Callable[..., SlotService]]:
    """Return a function that opens a service with connections of its own; all are closed at the end."""
    with ExitStack() as opened:

        def open_one(**fields: Any) -> SlotService:
            service = SlotService(database, b"a secret of the tests", clock=clock, **fields)
            service.open()
            opened.callback(service.close)
            return service

        yield open_one


@pytest.fixture
def outside(driver: Driver) -> Outside:
    """Return a writer outside of the service, beside a viewer."""
    return Outside(driver)
