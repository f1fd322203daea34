"""The secret's file: its owner, its reader and its maker."""

import os
import stat
import subprocess
import sys
from pathlib import Path

from tests.cli.command import Run, check_one_line
from tests.support import ROOT


def test_the_secret_is_its_owners(run: Run, tmp_path: Path) -> None:
    """The secret is made once, kept beside the database, and readable by its owner only."""
    first = run("token", "--scope", "staff").output
    (path,) = tmp_path.glob("*.secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = path.read_text()
    assert len(secret.strip()) >= 32
    run("calendar", "list")
    assert path.read_text() == secret
    assert first.count(".") == 2
    for spoiled in (b"short", b"\xff" * 32):
        path.write_bytes(spoiled)
        check_one_line(run("calendar", "list"), "SLOTCAST_SECRET")


def test_two_that_make_the_secret_at_once(tmp_path: Path) -> None:
    """Of processes that start at once, one makes the secret, and all use it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SLOTCAST_")}
    clean["SLOTCAST_DATABASE"] = f"sqlite:///{tmp_path / 'slotcast.db'}"
    command = [sys.executable, str(ROOT / "server.py"), "calendar", "list"]
    several = [subprocess.Popen(command, env=clean, stderr=subprocess.PIPE) for _ in range(4)]
    for process in several:
        _, problem = process.communicate(timeout=30)
        assert process.returncode == 0, problem
    assert len(list(tmp_path.glob("*.secret"))) == 1
    assert list(tmp_path.glob("*.draft")) == []
