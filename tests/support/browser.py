"""Finds a Chromium that really starts, or installs one: `python -m tests.support.browser`.

It looks on the machine, then at Playwright's own, then asks the system's package manager, and fails with one line. A
stamp keeps the answer, so that only the first run pays for it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

CHROMIUM_FLAGS = [
    "--no-sandbox",  # it shows our own pages only, and root has no sandbox
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# For each new context: a page that draws 60 pictures a second costs a third more.
STILL: Any = {"reduced_motion": "reduce"}
_STAMP = Path(__file__).resolve().parents[2] / ".stamps" / "chromium"
_NAMES = (
    "chromium-headless-shell",  # without windows and profiles a page costs less than half of the CPU
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
)
# Each package manager, with its commands in order, until there is a Chromium.
_PACKAGE_MANAGERS = {
    "apt-get": (
        ("update",),
        ("install", "-y", "--no-install-recommends", "chromium-headless-shell"),
        ("install", "-y", "--no-install-recommends", "chromium"),
    ),
    "dnf": (("install", "-y", "chromium"),),
    "apk": (("add", "chromium"),),
    "pacman": (("-S", "--noconfirm", "chromium"),),
    "zypper": (("--non-interactive", "install", "chromium"),),
}
_START_SECONDS = 60
_DOWNLOAD_SECONDS = 240
_PACKAGE_SECONDS = 600
_NONE_TO_BE_HAD = (
    "No Chromium: none on this machine, and neither Playwright nor the package manager could bring "
    "one. Install the package `chromium`, or set SLOTCAST_CHROMIUM to the program's path."
)


def find_chromium() -> str:
    """Return the path of a Chromium that starts; SystemExit with one line without one."""
    named = os.environ.get("SLOTCAST_CHROMIUM")
    if named:
        if not _starts(named):
            raise SystemExit(f"SLOTCAST_CHROMIUM is {named}, which does not start as a Chromium.")
        return named
    if _STAMP.exists() and Path(kept := _STAMP.read_text().strip()).exists():
        return kept
    for path in _candidates():
        if _starts(path):
            _STAMP.parent.mkdir(exist_ok=True)
            _STAMP.write_text(path + "\n")
            return path
    raise SystemExit(_NONE_TO_BE_HAD)


def _candidates() -> Iterator[str]:
    """Yield candidates for a Chromium, the cheapest first."""
    yield from _on_path()
    own = _playwrights_own()
    if Path(own).exists():
        yield own
    _say("No Chromium on this machine: asking Playwright for its own")
    if _runs([sys.executable, "-m", "playwright", "install", "chromium"], _DOWNLOAD_SECONDS):
        yield own
    _say("Playwright brought none that starts: asking the system's package manager")
    _install_by_package_manager()
    yield from _on_path()


def _on_path() -> Iterator[str]:
    for name in _NAMES:
        if found := shutil.which(name):
            yield found


def _playwrights_own() -> str:
    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def _install_by_package_manager() -> None:
    may_install = [] if os.geteuid() == 0 else ["sudo", "-n"]
    for manager, steps in _PACKAGE_MANAGERS.items():
        if shutil.which(manager):
            for step in steps:
                if not any(map(_starts, _on_path())):
                    _runs([*may_install, manager, *step], _PACKAGE_SECONDS)
            return


def _starts(path: str) -> bool:
    """Show it a page: distributions ship programs of these names that only print advice."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        shown = "data:text/html,<p>it%20starts"
        flags = ["--headless", *CHROMIUM_FLAGS, f"--user-data-dir={profile}", "--dump-dom", shown]
        return "it starts" in _output([path, *flags], _START_SECONDS)


def _run(command: list[str], timeout: float, **environment: str) -> subprocess.CompletedProcess[str] | None:
    """Run a command; None if it does not start, or does not end in time."""
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | environment,
            text=True,
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def _output(command: list[str], timeout: float) -> str:
    done = _run(command, timeout)
    return done.stdout if done is not None else ""


def _runs(command: list[str], timeout: float) -> bool:
    """Run an installation; return whether it succeeded in time."""
    done = _run(command, timeout, DEBIAN_FRONTEND="noninteractive")
    return done is not None and done.returncode == 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    find_chromium()
