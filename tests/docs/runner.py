"""A snippet of the docs, run as a reader runs it: in a process of its own."""

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests.support import ROOT
from tests.support.node import NODE_FOLDER, node_program

SNIPPETS = ROOT / "docs" / "snippets"


def program(snippet: Path) -> list[str]:
    """Return the command that runs a snippet of this kind."""
    programs = {".mjs": node_program(), ".py": sys.executable, ".sh": shutil.which("sh") or "sh"}
    return [programs[snippet.suffix], str(snippet)]


class Running:
    """One snippet from `__enter__` to `__exit__`; JavaScript finds socket.io-client in `folder`."""

    def __init__(self, name: str, folder: Path, *arguments: str, source: str | None = None) -> None:
        self._snippet = folder / name
        self._snippet.write_text(source if source is not None else (SNIPPETS / name).read_text())
        if not (folder / "node_modules").exists():
            (folder / "node_modules").symlink_to(NODE_FOLDER / "node_modules")
        self._arguments = arguments
        self._lines: queue.Queue[str] = queue.Queue()
        self.seen: list[str] = []

    def __enter__(self) -> Self:
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONASYNCIODEBUG"}
        self._process = subprocess.Popen(
            [*program(self._snippet), *self._arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))

    def until(self, fits: Callable[[str], bool], seconds: float = 60.0) -> str:
        """Return the next line that fits."""
        give_up_at = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, give_up_at - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{self._snippet.name} said no such thing, but {self.seen}") from None
            self.seen.append(line)
            if fits(line):
                return line

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        print("\n".join(self.seen))
