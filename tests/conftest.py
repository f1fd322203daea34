"""Fixtures for all tests. Each test has its own ports, files and processes."""

import gc
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.support import Node, Proxy, Server
from tests.support.browser import CHROMIUM_FLAGS, find_chromium
from tests.support.postgres import Postgres

# A shared machine may be slow at any moment; each test's time-out is bound enough.
hypothesis.settings.register_profile("slotcast", deadline=None, print_blob=True)
hypothesis.settings.load_profile("slotcast")

LONG_SECONDS = 3_600


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="races of 100,000 attempts, ten minutes of random SQL")
    parser.addoption("--postgres", action="store_true", help="servers on PostgreSQL, also where a test does not ask")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give the long form of the tests more time."""
    if config.getoption("--long"):
        for item in items:
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Collect garbage after a test with a loop: an open resource fails this test, not a later one."""
    yield
    if item.get_closest_marker("asyncio"):
        gc.collect()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run one PostgreSQL for each process of the tests."""
    postgres = Postgres()
    yield postgres
    postgres.close()


@pytest.fixture(scope="session", autouse=True)
def _servers_database(request: pytest.FixtureRequest) -> Iterator[None]:
    """Put every server on PostgreSQL with the option `--postgres`."""
    with pytest.MonkeyPatch.context() as patch:
        if request.config.getoption("--postgres"):
            postgres: Postgres = request.getfixturevalue("postgres")
            patch.setattr(Server, "new_database", staticmethod(lambda _: postgres.new_url()))
        yield


@pytest.fixture
def database(tmp_path: Path) -> str:
    """Return the URL of a database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'slotcast.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def each_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'slotcast.db'}"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.new_url()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Run a server on a new database."""
    with Server(tmp_path) as running:
        yield running


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """Put a proxy before `server`."""
    with Proxy(server.port) as standing:
        yield standing


@pytest.fixture
def node() -> Iterator[Callable[..., Node]]:
    """Return a function that starts a script of tests/node; each ends with the test."""
    with ExitStack() as scripts:

        def start(script: str, *arguments: str) -> Node:
            return scripts.enter_context(Node(script, *arguments))

        yield start


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Run a headless Chromium."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        yield chromium
        await chromium.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Open an empty page; its log is shown on a failure, and an uncaught error fails the test."""
    context = await browser.new_context()
    page = await context.new_page()
    uncaught: list[Any] = []
    page.on("console", lambda message: print(f"[page {message.type}] {message.text}"))
    page.on("pageerror", lambda error: uncaught.append(error))  # noqa: PLW0108 - Playwright marks its handlers
    yield page
    await context.close()
    assert not uncaught, f"errors that the page did not catch: {uncaught}"
