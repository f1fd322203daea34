"""The client library as it is published: packed, compiled against with the strictest types, and run by Node."""

import json
import os
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree, ignore_patterns
from time import monotonic, sleep, time
from typing import Any

import jwt
import pytest

from tests.support import ROOT, Node, Server, new_key
from tests.support.node import NODE_FOLDER
from tests.system.conftest import QUIET

CALENDAR = "library"
TOKEN_SECONDS = 4
PACE_SECONDS = 0.05  # between two changes: without a pause they take all of a core, for five seconds
SECRET = "a secret of this test, on no other server"
_STRICT = ("--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess")
_NODE = ("--module", "nodenext", "--target", "es2023", "--lib", "es2023,dom,dom.iterable", "--types", "node")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pack a copy of web/."""
    folder = tmp_path_factory.mktemp("package")
    web = folder / "web"
    copytree(ROOT / "web", web, ignore=ignore_patterns("node_modules", "dist*"))
    (web / "node_modules").symlink_to(ROOT / "web" / "node_modules")
    _run("npm", "pack", "--offline", "--pack-destination", str(folder), folder=web)
    (packed,) = folder.glob("*.tgz")
    return packed


@pytest.fixture(scope="module")
def program(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile library.ts beside the installed package."""
    folder = tmp_path_factory.mktemp("application")
    modules = folder / "node_modules"
    modules.mkdir()
    with closing(tarfile.open(package)) as archive:
        archive.extractall(modules, filter="data")
    (modules / "package").rename(modules / "slotcast-client")
    for name in ("socket.io-client", "@types"):
        (modules / name).symlink_to(ROOT / "web" / "node_modules" / name)
    (folder / "package.json").write_text('{"type": "module"}')
    source = folder / "library.ts"
    source.write_text((NODE_FOLDER / source.name).read_text())
    _run(str(ROOT / "web/node_modules/.bin/tsc"), *_STRICT, *_NODE, str(source), folder=folder)
    return source.with_suffix(".js")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with a private calendar."""
    with Server(tmp_path_factory.mktemp("server"), *QUIET, settings={"SLOTCAST_SECRET": SECRET}) as server:
        server.command("calendar", "create", CALENDAR, "--private")
        _open_slot(server)
        yield server


def test_the_package_has_its_files_and_no_others(package: Path) -> None:
    """The compiled library as modules and for `require`, with its types, README and LICENSE."""
    with closing(tarfile.open(package)) as archive:
        names = {name.removeprefix("package/") for name in archive.getnames()}
        licence = archive.extractfile("package/LICENSE")
        assert licence is not None
        assert licence.read() == (ROOT / "LICENSE").read_bytes()
    compiled = {name for name in names if name.startswith("dist-client/")}
    assert names - compiled == {"package.json", "README.md", "LICENSE"}
    for entry in ("index", "frameworks/react", "frameworks/vue", "frameworks/native"):
        for folder in ("dist-client", "dist-client/cjs"):
            assert {f"{folder}/{entry}.js", f"{folder}/{entry}.d.ts"} <= compiled
    assert all(name.endswith((".js", ".d.ts")) for name in compiled - {"dist-client/cjs/package.json"})


@pytest.mark.parametrize("transport", ["websocket", "polling", "sse", "longpoll"])
def test_it_goes_on_when_its_token_ends(program: Path, server: Server, transport: str) -> None:
    """The program books, gets a fresh token at the end of the last one, and misses no change, on each transport."""
    with Node(program, server.url, CALENDAR, transport) as node:
        booked = _hear(node, "customer")
        assert booked == {"customer": "Ada", "status": "cancelled", "tokens": 1}
        last_seq = _hear_seq(node, _open_slot(server))
        ends_at = monotonic() + TOKEN_SECONDS
        while monotonic() < ends_at + 1:
            seq = _open_slot(server)
            assert seq == last_seq + 1
            last_seq = _hear_seq(node, seq)
            sleep(PACE_SECONDS)
    heard = [said["seq"] for said in node.seen if "seq" in said]
    assert heard == list(range(heard[0], last_seq + 1)), "each once and in order"
    assert {said["by"] for said in node.seen if said.get("state") == "live"} == {transport}
    assert not any(said.get("state") == "closed" for said in node.seen)


def _hear(node: Node, what: str) -> dict[str, Any]:
    """Return the script's next words on this; it gets a token whenever it asks for one."""
    while True:
        said: dict[str, Any] = node.read()
        assert not {"failed", "refused"} & said.keys(), said
        if "asks" in said:
            node.send(_token())
        elif what in said:
            return said


def _hear_seq(node: Node, seq: int) -> int:
    while _hear(node, "seq")["seq"] < seq:
        pass
    return seq


def _open_slot(server: Server) -> int:
    """Opens one and gives back the change's seq."""
    start = datetime.now(UTC) + timedelta(days=1)
    slot = {"start": start.isoformat(), "end": (start + timedelta(minutes=30)).isoformat()}
    request = urllib.request.Request(
        f"{server.url}/api/calendars/{CALENDAR}/slots",
        data=json.dumps({"slots": [slot], "key": new_key()}).encode(),
        headers={"Authorization": f"Bearer {_token(scope='staff')}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return int(json.load(answer)["cursor"].partition(".")[0])


def _token(**claims: Any) -> str:
    """Return a token for a few seconds."""
    every = {"sub": "someone", "calendars": [CALENDAR], "exp": time() + TOKEN_SECONDS, **claims}
    return jwt.encode(every, SECRET, algorithm="HS256")


def _run(*command: str, folder: Path) -> None:
    """Run the command with the npm and node that `make` chose; its output is for its failure."""
    beside_python = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": os.pathsep.join([beside_python, os.environ["PATH"]])}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
