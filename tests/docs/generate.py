"""The generated files: `python -m tests.docs.generate` writes them, and a test compares them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from bench.report import markdown
from tests.docs import table
from tests.docs.golden import goldens
from tests.docs.supply import licences
from tests.docs.typescript import routes, typescript
from tests.support import ROOT

GOLDEN = ROOT / "tests" / "golden"
PAGES = ("README.md", "ARCHITECTURE.md", "docs/bench.md", "docs/protocol.md", "docs/licences.md")
TABLES: dict[str, Callable[[], str]] = {
    "requests": table.requests,
    "routes": table.routes,
    "errors": table.refusals,
    "settings": table.settings,
    "metrics": table.metrics,
    "licences": licences,
    "figures": lambda: markdown(json.loads((ROOT / "docs" / "bench.json").read_text())),
    "packages of models": lambda: table.packages("models"),
    "packages of realtime": lambda: table.packages("realtime"),
}
_SNIPPET = re.compile(r"<!-- (?P<path>[\w./-]+) -->\n```(?P<language>\w+)\n.*?```$", re.DOTALL | re.MULTILINE)
_TABLE = re.compile(r"<!-- (?P<name>[\w ]+) -->\n(?:.*?)<!-- /(?P=name) -->", re.DOTALL)


def page(text: str) -> str:
    """A page of the docs with its tables and snippets as they should be."""
    return _SNIPPET.sub(_snippet, _TABLE.sub(_table, text))


def _table(found: re.Match[str]) -> str:
    name = found["name"]
    return f"<!-- {name} -->\n\n{TABLES[name]()}\n\n<!-- /{name} -->"


def _snippet(found: re.Match[str]) -> str:
    source = (ROOT / found["path"]).read_text()
    return f"<!-- {found['path']} -->\n```{found['language']}\n{source}```"


def generated() -> dict[Path, str]:
    """Yield each generated file and its text."""
    pages = {ROOT / name: page((ROOT / name).read_text()) for name in PAGES if (ROOT / name).exists()}
    messages = {GOLDEN / name: text for name, text in goldens().items()}
    client = ROOT / "web" / "src" / "client"
    return pages | messages | {client / "wire.ts": typescript(), client / "routes.ts": routes()}


def write() -> None:
    for path, text in generated().items():
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    write()
