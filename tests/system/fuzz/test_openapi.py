"""Schemathesis reads /openapi.json and tries every route of a real server: no 5xx, and each answer is as described.

`make fuzz` runs all its phases; the short form runs examples, the edges of each schema, and a few random cases.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support import Server

INPUTS = int(os.environ.get("FUZZ_INPUTS", "5000"))
IS_LONG = INPUTS > 100_000
PHASES = "examples,coverage,fuzzing,stateful" if IS_LONG else "examples,fuzzing"
EXAMPLES = 50 if IS_LONG else 1

pytestmark = pytest.mark.timeout(3_600 if IS_LONG else 120)


def test_every_route_is_as_described(tmp_path: Path) -> None:
    """Its report names the request of each failure."""
    if find_spec("schemathesis") is None:
        pytest.skip("schemathesis is not installed: pip install -r tests/requirements.txt")
    with Server(tmp_path, "--rate", "0", "--log-level", "warning") as server:
        token = server.command("token", "--scope", "owner").strip()
        command = [
            sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json",
            "--header", f"Authorization: Bearer {token}",
            "--checks", "not_a_server_error,content_type_conformance,response_schema_conformance",
            "--phases", PHASES, "--max-examples", str(EXAMPLES), "--seed", "8", "--workers", "1",
            "--request-timeout", "30", "--suppress-health-check", "all", "--no-color",
            "--exclude-path-regex", "/events|/socket|/changes",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        print(done.stdout[-20_000:])
        assert "Traceback" not in server.log, server.log[-5_000:]
        assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
