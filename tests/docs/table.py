"""The tables of the docs, from the code: requests, routes, errors, settings, metrics and packages."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import typer

from cli import command_line
from models.contract import errors
from models.contract.requests import EVERY_REQUEST
from realtime.describe.schemas import components, name_of
from realtime.http.problem import STATUS
from realtime.http.routes import COMMANDS, READS
from tests.support import ROOT


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cells).replace("\n", " ") + " |" for cells in lines)


def _fields(kind: type) -> str:
    schema = components()[name_of(kind)]
    return ", ".join(_field(name, schema) for name in schema["properties"])


def _field(name: str, schema: dict[str, Any]) -> str:
    return f"`{name}`" if name in schema["required"] else f"`{name}?`"


def _answer(shapes: tuple[type, ...]) -> str:
    if len(shapes) > 1:
        return "a snapshot or the missed changes, see below"
    return _fields(shapes[0]) or "nothing more"


def requests() -> str:
    rows = []
    for name, kind in EVERY_REQUEST.items():
        mark = f" ({kind.wire.role.name.lower()})" if kind.wire.is_for_staff else ""
        rows.append((f"`{name}`{mark}", kind.wire.summary, _fields(kind), _answer(kind.wire.answers)))
    return _table(("request", "", "fields", "answer"), rows)


def routes() -> str:
    rows = [(route.path, route.method, f"`{route.command.wire.name}`") for route in COMMANDS]
    rows += [(read.path, read.method, read.summary) for read in READS]
    return _table(("route", ""), [(f"`{method} {path}`", what) for path, method, what in sorted(rows)])


def refusals() -> str:
    rows = [
        (f"`{kind.code}`", str(STATUS[kind.code]), "yes" if kind.retryable else "", kind.fact, kind.advice)
        for kind in errors.EVERY
    ]
    return _table(("code", "HTTP", "retryable", "message", "action"), sorted(rows, key=lambda row: row[1]))


def options() -> Iterator[typer.core.TyperOption]:
    """The settings, as the command line has them."""
    for option in cast("Any", typer.main.get_command(command_line.app)).params:
        if getattr(option, "envvar", None):
            yield option


def settings() -> str:
    rows = []
    for option in options():
        flags = "/".join(f"`{flag}`" for flag in (*option.opts, *option.secondary_opts))
        rows.append((flags, f"`{option.envvar}`", _default(option), str(option.help)))
    return _table(("flag", "variable", "default", ""), rows)


def _default(option: typer.core.TyperOption) -> str:
    value = option.default
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"`{value}`" if value not in {"", None} else ""


def counted() -> Iterator[tuple[str, str]]:
    """Yield each name of /metrics and its meaning, from realtime/operators/metrics.py."""
    for node in ast.walk(ast.parse((ROOT / "realtime" / "operators" / "metrics.py").read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("MetricFamily"):
            name, meaning = (str(ast.literal_eval(argument)) for argument in node.args[:2])
            yield f"{name}_total" if node.func.id.startswith("Counter") else name, meaning


def metrics() -> str:
    return _table(("metric", ""), [(f"`{name}`", meaning) for name, meaning in counted()])


def modules(root: str) -> list[Path]:
    """Return the modules below a root, in the order of their names."""
    return sorted(path for path in (ROOT / root).rglob("*.py") if path.name != "__init__.py" or _docstring(path))


def packages(root: str) -> str:
    rows = [(f"`{module(path)}`", _first_sentence(_docstring(path))) for path in outline(root)]
    return _table(("package or module", ""), rows)


def outline(root: str) -> list[Path]:
    """Return the packages below a root, and the modules directly in it."""
    return [path for path in modules(root) if path.name == "__init__.py" or path.parent == ROOT / root]


def module(path: Path) -> str:
    name = str(path.relative_to(ROOT).with_suffix(""))
    return name.removesuffix("/__init__") + ("/" if name.endswith("__init__") else "")


def _docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text())) or ""


def _first_sentence(text: str) -> str:
    paragraph = " ".join(text.split("\n\n", 1)[0].split())
    head, stop, _ = paragraph.partition(". ")
    return (head + stop).strip().replace("|", "\\|")
