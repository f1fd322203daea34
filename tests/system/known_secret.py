"""A server whose secret the tests know, and tokens signed with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt

from tests.support import Server
from tests.system.conftest import QUIET, Place

SECRET = "a secret of the tests, long enough for HS256"
ALL: dict[str, Any] = {"scope": "owner", "calendars": "*"}


def sign(key: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    """Return a token with these claims."""
    return jwt.encode({"sub": "someone", **claims}, key, algorithm=algorithm)


def serve(folder: Path) -> Iterator[Place]:
    """Run a server for a fixture."""
    with Server(folder, *QUIET, settings={"SLOTCAST_SECRET": SECRET}) as server:
        yield Place(server, sign(**ALL))
