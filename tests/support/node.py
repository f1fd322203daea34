"""Official client scripts, run by a real Node: they print one JSON value a line."""

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

NODE_FOLDER = Path(__file__).resolve().parents[1] / "node"
_LINE_SECONDS = 20.0


def node_program() -> str:
    """Return the node that `make` chose: the machine's, or the one in the virtual environment."""
    beside_python = str(Path(sys.executable).parent)
    found = shutil.which("node", path=os.pathsep.join([beside_python, os.environ["PATH"]]))
    assert found, "no node on PATH; `make test` brings one"
    return found


def bundle_library(folder: Path) -> Path:
    """Make one file of the client library, for a script of tests/node."""
    bundle = folder / "library.mjs"
    command = ["src/client/index.ts", "--file", str(bundle), "--platform", "node", "-f", "esm", "--no-codeSplitting"]
    web = NODE_FOLDER.parents[1] / "web"
    subprocess.run([web / "node_modules/.bin/rolldown", *command], cwd=web, check=True, capture_output=True)
    return bundle


class Node:
    """One running script of tests/node (or any path), from `__enter__` to `__exit__`.

    Its standard output is line-delimited JSON: `read` takes the next value, `read_until` the next that fits. `send`
    writes one JSON value a line to its standard input. Its standard error, and other lines, go to the test's own
    output.
    """

    def __init__(self, script: str | Path, *arguments: str) -> None:
        self.seen: list[Any] = []
        self._script = NODE_FOLDER / script
        self._arguments = arguments
        self._lines: queue.Queue[Any] = queue.Queue()
        self._process: subprocess.Popen[str] | None = None
        self._readers: list[threading.Thread] = []
        self._noise: list[str] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [node_program(), str(self._script), *self._arguments],
            cwd=NODE_FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for read in (self._read_output, self._read_noise):
            reader = threading.Thread(target=read, daemon=True)
            reader.start()
            self._readers.append(reader)
        return self

    def __exit__(self, *_: object) -> None:
        process = self._running()
        if process.poll() is None:
            process.kill()
        process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        print("".join(self._noise))

    def read(self, timeout: float = _LINE_SECONDS) -> Any:
        """Return the next value the script prints; EOFError when it has ended."""
        try:
            value = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"{self._script.name} said nothing for {timeout} s") from None
        if value is EOFError:
            self._lines.put(EOFError)
            raise EOFError(f"{self._script.name} ended: {''.join(self._noise)}")
        return value

    def read_until(self, fits: Callable[[Any], bool], timeout: float = _LINE_SECONDS) -> Any:
        """Return the next value that fits, and skip the others."""
        while True:
            value = self.read(timeout)
            if fits(value):
                return value

    def send(self, value: object) -> None:
        stdin = self._running().stdin
        assert stdin is not None
        stdin.write(json.dumps(value) + "\n")
        stdin.flush()

    def finish(self, timeout: float = _LINE_SECONDS) -> list[Any]:
        """Wait for the script to end well, and return everything it printed."""
        process = self._running()
        code = process.wait(timeout)
        for reader in self._readers:
            reader.join()
        assert code == 0, f"{self._script.name} ended with {code}: {''.join(self._noise)}"
        return self.seen

    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None, "use `with Node(…)`"
        return self._process

    def _read_output(self) -> None:
        stdout = self._running().stdout
        assert stdout is not None
        for line in stdout:
            try:
                value = json.loads(line)
            except ValueError:
                self._noise.append(line)
                continue
            self.seen.append(value)
            self._lines.put(value)
        self._lines.put(EOFError)

    def _read_noise(self) -> None:
        stderr = self._running().stderr
        assert stderr is not None
        self._noise.extend(stderr)
