"""The web client's own tests in Node."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT


def test_the_web_client_passes_its_own_tests() -> None:
    """Every test in web/test passes."""
    beside_python = str(Path(sys.executable).parent)
    done = subprocess.run(
        ["npm", "--prefix", "web", "run", "--silent", "test"],
        cwd=ROOT,
        env=os.environ | {"PATH": os.pathsep.join([beside_python, os.environ["PATH"]]), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0
