"""A core and an edge that follows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import Server

SECRET = "a secret that only the core knows"


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Server]:
    settings = {"SLOTCAST_SECRET": SECRET, "SLOTCAST_DEMO": "0", "SLOTCAST_RATE": "0", "SLOTCAST_PROXIES": "127.0.0.1"}
    with Server(tmp_path, settings=settings) as core:
        yield core


@pytest.fixture
def edge(core: Server, tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, "edge", "--core", core.url, settings={"SLOTCAST_RATE": "0"}) as edge:
        yield edge
