"""Fixtures for all tests. Each test has its own ports, files and processes."""

import asyncio
import gc
import os
import time
from asyncio import Runner
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import ExitStack
from itertools import chain, cycle, groupby, islice
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.support import Node, Proxy, Server
from tests.support.browser import CHROMIUM_FLAGS, STILL, find_chromium
from tests.support.databases.postgres import Postgres
from tests.support.databases.redis import PROGRAM, Redis

# A shared machine may be slow at any moment; each test's time-out is bound enough.
hypothesis.settings.register_profile("slotcast", deadline=None, print_blob=True)
hypothesis.settings.load_profile("slotcast")

LONG_SECONDS = 3_600
DAY_SECONDS = 86_400
MIDNIGHT_SECONDS = 30
SLOW_COLLECTION_SECONDS = 0.01
PAGE_MILLISECONDS = 20_000  # Playwright's own five seconds are too few for six pages on a busy machine
# Tests of whole servers and of other programs, which wait for much.
LONG_PATHS = {"system", "invariants", "docs", "cli", "test_feed_readers.py", "test_fork_server.py", "test_web.py"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="races of 100,000 attempts, ten minutes of random SQL")
    parser.addoption("--fresh", action="store_true", help="each server in a new interpreter, and in no fork")
    parser.addoption("--postgres", action="store_true", help="servers on PostgreSQL, also where a test does not ask")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give the long form of the tests more time, and each of several processes the long tests first."""
    if config.getoption("--long"):
        for item in items:
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if processes > 1:
        items[:] = _long_tests_first(items, processes, config.rootpath)


def _long_tests_first(items: list[pytest.Item], processes: int, root: Path) -> list[pytest.Item]:
    """Return the tests in one share for each process. At the end the processes then steal short tests."""
    shares: list[list[pytest.Item]] = [[] for _ in range(processes)]
    short: list[pytest.Item] = []
    turn = cycle(shares)
    for path, tests in groupby(items, lambda item: item.path):
        (next(turn) if LONG_PATHS.intersection(path.relative_to(root).parts) else short).extend(tests)
    rest = iter(short)
    for share in shares:
        share.extend(islice(rest, max(0, len(items) // processes - len(share))))
    return [*chain.from_iterable(shares), *rest]


def pytest_collection_finish() -> None:
    """Exclude what the imports made from later collections: a collection after a test takes 70 ms with it."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Wait shortly before midnight in UTC: a test that says today or tomorrow lies within one day."""
    left = DAY_SECONDS - time.time() % DAY_SECONDS
    if left < MIDNIGHT_SECONDS:
        time.sleep(left)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Collect garbage after a test with a loop: an open resource fails this test, not a later one.

    What the tests import and cache makes each collection longer, up to 0.2 s. It is then excluded from later ones.
    """
    yield
    if item.get_closest_marker("asyncio"):
        began = time.thread_time()
        gc.collect()
        if time.thread_time() - began > SLOW_COLLECTION_SECONDS:
            gc.freeze()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run one PostgreSQL for each process of the tests."""
    postgres = Postgres()
    yield postgres
    postgres.close()


@pytest.fixture
def redis() -> Iterator[Redis]:
    """Run a Redis."""
    if PROGRAM is None:
        pytest.skip("no Redis or Valkey on this machine (Debian: redis-server)")
    with Redis() as redis:
        yield redis


@pytest.fixture(scope="session", autouse=True)
def _servers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run every server as the options say."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Server, "is_fresh", request.config.getoption("--fresh"))
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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Run one headless Chromium for each process of the tests."""
    expect.set_options(timeout=PAGE_MILLISECONDS)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        yield chromium
        await chromium.close()


@pytest.fixture
async def browser(chromium: Browser) -> AsyncIterator[Browser]:
    """Lend the Chromium to a test, and close the contexts that are left."""
    yield chromium
    for context in chromium.contexts:
        await context.close()


@pytest.fixture
def _function_scoped_runner(request: pytest.FixtureRequest, _function_scoped_runner: Runner) -> Iterator[Runner]:
    """Run a test with a browser, and its fixtures, on the browser's loop; every other test has a loop of its own."""
    if "chromium" not in request.fixturenames:
        yield _function_scoped_runner
        return
    runner: Runner = request.getfixturevalue("_session_scoped_runner")
    earlier = asyncio.all_tasks(runner.get_loop())
    yield runner
    for task in asyncio.all_tasks(runner.get_loop()) - earlier:
        task.cancel()


@pytest.fixture
async def open_page(browser: Browser) -> AsyncIterator[Callable[[], Awaitable[Page]]]:
    """Return a function that opens an empty page in a context of its own.

    The page's log is shown on a failure, and an uncaught error fails the test.
    """
    uncaught: list[Any] = []

    async def open_one() -> Page:
        page = await (await browser.new_context(**STILL)).new_page()
        page.on("console", lambda message: print(f"[page {message.type}] {message.text}"))
        page.on("pageerror", lambda error: uncaught.append(error))  # noqa: PLW0108 - Playwright marks its handlers
        return page

    yield open_one
    for context in browser.contexts:
        await context.close()
    assert not uncaught, f"errors that the page did not catch: {uncaught}"


@pytest.fixture
async def page(open_page: Callable[[], Awaitable[Page]]) -> Page:
    """Open an empty page."""
    return await open_page()
