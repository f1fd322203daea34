"""The docs describe everything, by the code as it is."""

import re
from collections.abc import Iterable

import pytest

from models.contract import errors
from models.contract.changes import Type
from models.contract.requests import EVERY_REQUEST
from realtime.http.routes import COMMANDS, READS
from tests.docs import table
from tests.docs.generate import generated
from tests.support import ROOT

PROTOCOL = (ROOT / "docs" / "protocol.md").read_text()
README = (ROOT / "README.md").read_text()
ARCHITECTURE = ROOT / "ARCHITECTURE.md"


def _missing(names: Iterable[str], text: str) -> list[str]:
    return [name for name in names if f"`{name}`" not in text]


def test_generated_files_are_committed_as_generated() -> None:
    """Tables, snippets and generated files are as the code makes them: `python -m tests.docs.generate` does it."""
    stale = [str(path.relative_to(ROOT)) for path, text in generated().items() if path.read_text() != text]
    assert stale == [], "run `make fix`"


def test_every_request_is_in_the_protocol() -> None:
    """The docs describe every request."""
    assert _missing(EVERY_REQUEST, PROTOCOL) == []


def test_every_change_type_is_in_the_protocol() -> None:
    """Each type of change is explained outside of the generated tables."""
    written = re.sub(r"<!-- (\w+) -->.*?<!-- /\1 -->", "", PROTOCOL, flags=re.DOTALL)
    assert _missing(Type, written) == []


def test_every_error_code_is_in_the_protocol() -> None:
    """Each error has advice for the client."""
    assert _missing((kind.code for kind in errors.EVERY), PROTOCOL) == []


def test_every_rule_is_in_the_protocol() -> None:
    """Each rule in the details of a refusal is explained."""
    sources = [*(ROOT / "models").rglob("*.py"), *(ROOT / "realtime").rglob("*.py")]
    rules = {rule for path in sources for rule in re.findall(r'\brule="(\w+)"', path.read_text())}
    assert len(rules) > 10
    assert _missing(sorted(rules), PROTOCOL) == []


def test_every_route_is_in_the_protocol() -> None:
    """Each HTTP route is listed with its method."""
    routes = [f"{route.method} {route.path}" for route in COMMANDS]
    routes += [f"{read.method} {read.path}" for read in READS]
    assert _missing(routes, PROTOCOL) == []


def test_every_setting_is_in_the_readme() -> None:
    """Each setting is listed by its flag and by its variable."""
    settings = list(table.options())
    assert settings
    assert _missing((flag for option in settings for flag in option.opts), README) == []
    assert _missing((str(option.envvar) for option in settings), README) == []


def test_every_setting_can_be_set_in_the_environment() -> None:
    """A shell can set a variable of each setting's name."""
    assert [
        option.envvar for option in table.options() if not re.fullmatch(r"SLOTCAST_[A-Z_]+", str(option.envvar))
    ] == []


def test_every_metric_is_in_the_readme() -> None:
    """The docs explain each metric."""
    assert _missing((name for name, _ in table.counted()), README) == []


@pytest.mark.parametrize("root", ["models", "realtime"])
def test_every_package_is_in_the_architecture(root: str) -> None:
    """Each package has its line, in the words of its own docstring."""
    text = ARCHITECTURE.read_text()
    names = list(map(table.module, table.outline(root)))
    assert len(names) > 5
    assert _missing(names, text) == []


def test_the_architecture_is_short() -> None:
    """ARCHITECTURE.md has less than 250 lines."""
    assert len(ARCHITECTURE.read_text().splitlines()) < 250


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    """The invariants and the map name modules and tests that exist."""
    text = (ROOT / page).read_text()
    named = set(re.findall(r"`((?:cli|models|realtime|tests|web|docs|deploy)/[\w./-]+)`", text))
    missing = [name for name in named if not any((ROOT / f"{name}{end}").exists() for end in ("", ".py"))]
    assert sorted(missing) == []


def test_every_link_between_pages_leads_somewhere() -> None:
    """A relative link in the docs names an existing file."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    assert len(pages) >= 6
    links = [(page, target) for page in pages for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text())]
    broken = [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()]
    assert broken == []


def test_every_limit_has_its_setting_and_its_test() -> None:
    """The table of limits names existing settings and tests."""
    limits = (ROOT / "docs" / "limits.md").read_text()
    known = {str(option.envvar) for option in table.options()}
    assert set(re.findall(r"`(SLOTCAST_\w+?)(?:=0)?`", limits)) <= known
    assert [path for path in re.findall(r"`(tests/[\w/.]+)`", limits) if not (ROOT / path).is_file()] == []
    rows = [line for line in limits.splitlines() if line.startswith("| ")]
    assert [line for line in rows[1:] if "`tests/" not in line and "---" not in line] == [], "each bound has a test"
    assert _missing((name for name in known if "MAX_" in name or name.endswith("_SECONDS")), limits) == []


def test_alerts_and_dashboard_name_real_metrics_and_each_alert_has_its_section() -> None:
    """Nothing in deploy/ watches a metric that no server has, and whoever is paged finds what to do."""
    known = {name.removesuffix("_total") for name, _ in table.counted()}
    alerts = (ROOT / "deploy" / "alerts.yml").read_text()
    watched = set(re.findall(r"\bslotcast_\w+", alerts + (ROOT / "deploy" / "grafana.json").read_text()))
    assert {re.sub("_(total|bucket|sum|count)$", "", name) for name in watched} <= known
    names = re.findall(r"alert: (\w+)", alerts)
    assert len(names) == alerts.count("runbook: docs/operations.md#") > 5
    sections = re.findall("^### (.+)$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    assert [name for name in names if name not in sections or f"#{name.lower()}}}" not in alerts] == []
