"""What stands in the repository is true on every machine."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support import ROOT

_HOME = re.compile(r"(?<![\w.])/(?:home|root|Users|work|tmp)/\w")
_REGISTRY = re.compile(r"registry\.npm|npmjs\.(?:org|com)|pypi\.org|pythonhosted|--(?:extra-)?index-url|/simple/")


def _tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this copy is not a git repository")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def _lines(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in _tracked_files():
        if path == Path(__file__):
            continue
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in pattern.finditer(text)]
    return found


def test_no_file_names_a_folder_of_one_machine() -> None:
    """A path that exists on the author's machine only is in no file."""
    assert _lines(_HOME) == []


def test_no_file_names_a_registry() -> None:
    """What pip and npm fetch comes from where their machine is set up to fetch, never from a host in a file."""
    assert _lines(_REGISTRY) == []


def test_every_requirement_is_pinned() -> None:
    """Each line of the requirements names one version."""
    for path in (ROOT / "requirements.txt", ROOT / "tests" / "requirements.txt"):
        for line in path.read_text().splitlines():
            requirement = line.split("#")[0].strip()
            assert not requirement or requirement.startswith("-r ") or "==" in requirement, f"{path.name}: {line}"
