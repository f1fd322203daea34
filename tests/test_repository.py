"""The files of the repository are valid on every machine."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
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
    """No file has a path of the author's machine."""
    assert _lines(_HOME) == []


def test_no_file_names_a_registry() -> None:
    """pip and npm use the machine's own settings, never a host in a file."""
    assert _lines(_REGISTRY) == []


def _pinned(path: Path) -> Iterator[str]:
    for line in path.read_text().splitlines():
        if "==" in line.split("#")[0]:
            yield line.split("==")[0].split("[")[0].lower().replace("_", "-")


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def _modules() -> dict[str, Path]:
    """Return the modules of models and realtime by name."""
    paths = [path for package in ("models", "realtime") for path in (ROOT / package).rglob("*.py")]
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}
    return {name: path for name, path in names.items() if ".migrations." not in name}


def _imports(path: Path, modules: dict[str, Path]) -> set[str]:
    """Return the modules that this file imports anywhere, also under TYPE_CHECKING and inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in modules else node.module for name in names}
    return found & modules.keys()


def _reached(start: str, imports: dict[str, set[str]]) -> set[str]:
    """Return the modules that `start` imports, directly or through others."""
    found: set[str] = set()
    left = list(imports[start])
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += imports[name]
    return found


def test_no_module_imports_itself_through_others() -> None:
    """The modules of models and realtime have no import cycle, also counting imports for types only."""
    modules = _modules()
    imports = {name: _imports(path, modules) for name, path in modules.items()}
    assert [name for name in imports if name in _reached(name, imports)] == []


def test_the_server_imports_only_its_requirements() -> None:
    """The server needs none of the packages for tests only."""
    brought = set(_pinned(ROOT / "requirements.txt"))
    ours = {"cli", "models", "realtime", "server"}
    sources = [
        ROOT / "server.py",
        *(path for name in ("cli", "models", "realtime") for path in (ROOT / name).rglob("*.py")),
    ]
    foreign = {
        (str(source.relative_to(ROOT)), name)
        for source in sources
        for name in _imported(source)
        if name not in sys.stdlib_module_names | ours
    }
    distributions = packages_distributions()
    missing = [
        (source, name)
        for source, name in sorted(foreign)
        if not any(made.lower().replace("_", "-") in brought for made in distributions.get(name, []))
    ]
    assert missing == []


def test_every_requirement_is_pinned() -> None:
    """Each line of the requirements names one version."""
    for path in (
        ROOT / "requirements.in",
        ROOT / "tests" / "requirements.in",
        ROOT / "deploy" / "requirements-otlp.in",
    ):
        for line in path.read_text().splitlines():
            requirement = line.split("#")[0].strip()
            assert not requirement or requirement.startswith(("-r ", "-c ")) or "==" in requirement, (
                f"{path.name}: {line}"
            )
