"""Settings: the declaration of each one, and the refusal of bad values."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli.settings import Setting, Settings, declared, unknown_variables
from tests.cli.command import Run, check_one_line
from tests.support import ROOT

BAD_SETTINGS: list[tuple[dict[str, str], tuple[str, ...]]] = [
    ({"SLOTCAST_PORT": "0"}, ("port",)),
    ({"SLOTCAST_PORT": "65536"}, ("port",)),
    ({"SLOTCAST_PORT": "http"}, ("port",)),
    ({"SLOTCAST_DATABASE": "mysql://localhost/x"}, ("SLOTCAST_DATABASE",)),
    ({"SLOTCAST_DATABASE": "postgresql://localhost/x"}, ("SLOTCAST_DATABASE",)),
    ({"SLOTCAST_DATABASE": "slotcast.db"}, ("SLOTCAST_DATABASE",)),
    ({"SLOTCAST_DATABASE": "sqlite:///:memory:"}, ("SLOTCAST_DATABASE",)),
    ({"SLOTCAST_DATABASE": "sqlite:////nowhere/at/all/x.db", "SLOTCAST_SECRET": "s" * 32}, ("SLOTCAST_DATABASE",)),
    ({"SLOTCAST_DATABASE": "sqlite:////nowhere/at/all/x.db"}, ("SLOTCAST_DATABASE", "/nowhere/at/all")),
    ({"SLOTCAST_DATABASE": "sqlite:///"}, ("SLOTCAST_DATABASE",)),
    ({"SLOTCAST_DATABASE": "sqlite:///."}, ("SLOTCAST_DATABASE", "folder")),
    ({"SLOTCAST_DATABASE": "postgresql://u@[::1/x"}, ("SLOTCAST_DATABASE",)),
    ({"SLOTCAST_SECRET": "\udcff" * 32}, ("SLOTCAST_SECRET", "UTF-8")),
    ({"SLOTCAST_SECRET": "short"}, ("SLOTCAST_SECRET", "32")),
    ({"SLOTCAST_SECRET_PREVIOUS": "short"}, ("SLOTCAST_SECRET_PREVIOUS", "32")),
    ({"SLOTCAST_SECRET": "s" * 32, "SLOTCAST_SECRET_PREVIOUS": "s" * 32}, ("SLOTCAST_SECRET_PREVIOUS",)),
    ({"SLOTCAST_JWKS_URL": "http://login.example/jwks"}, ("SLOTCAST_JWKS_URL", "https")),
    ({"SLOTCAST_JWKS_URL": "login.example"}, ("SLOTCAST_JWKS_URL", "must look like")),
    ({"SLOTCAST_JWT_AUDIENCE": "slots"}, ("SLOTCAST_JWT_AUDIENCE", "SLOTCAST_JWKS_URL")),
    ({"SLOTCAST_TOKEN_DAYS": "-1"}, ("token-days",)),
    ({"SLOTCAST_ORIGINS": "example.org"}, ("SLOTCAST_ORIGINS", "example.org")),
    ({"SLOTCAST_ORIGINS": "https://example.org/path"}, ("SLOTCAST_ORIGINS",)),
    ({"SLOTCAST_ORIGINS": "https://example.org?x"}, ("SLOTCAST_ORIGINS",)),
    ({"SLOTCAST_ORIGINS": "https://user@example.org"}, ("SLOTCAST_ORIGINS",)),
    ({"SLOTCAST_ORIGINS": "https://münchen.example"}, ("SLOTCAST_ORIGINS", "punycode")),
    ({"SLOTCAST_ORIGINS": "https://example.org:99999"}, ("SLOTCAST_ORIGINS", ":99999")),
    ({"SLOTCAST_ORIGINS": "https://example.org:0"}, ("SLOTCAST_ORIGINS", ":0")),
    ({"SLOTCAST_ORIGINS": "capacitor://"}, ("SLOTCAST_ORIGINS", "capacitor://")),
    ({"SLOTCAST_ORIGINS": "*, http://[::1"}, ("SLOTCAST_ORIGINS", "http://[::1")),
    ({"SLOTCAST_PROXIES": "10.0.0.0/99"}, ("SLOTCAST_PROXIES",)),
    ({"SLOTCAST_PROXIES": "proxy"}, ("SLOTCAST_PROXIES",)),
    ({"SLOTCAST_SYNCHRONOUS": "off"}, ("SLOTCAST_SYNCHRONOUS",)),
    ({"SLOTCAST_LOG_LEVEL": "loud"}, ("SLOTCAST_LOG_LEVEL",)),
    ({"SLOTCAST_RATE": "-1"}, ("rate",)),
    ({"SLOTCAST_RATE": "inf"}, ("rate",)),
    ({"SLOTCAST_LOG_DAYS": "inf"}, ("log-days",)),
    ({"SLOTCAST_LOG_DAYS": "nan"}, ("log-days",)),
    ({"SLOTCAST_MAX_QUEUED_BYTES": "1"}, ("max-queued-bytes",)),
]


@pytest.mark.parametrize(("settings", "words"), BAD_SETTINGS, ids=lambda value: str(value)[:50])
def test_a_bad_setting(run: Run, tmp_path: Path, settings: dict[str, str], words: tuple[str, ...]) -> None:
    """A bad setting stops the start with one clear line and exit code 2, and makes no database."""
    check_one_line(run(**settings), *words)
    assert not (tmp_path / "slotcast.db").exists()


@pytest.mark.parametrize("database", ["sqlite:///:memory:", "sqlite:///", "mysql://localhost/x"])
def test_no_secret_is_kept_beside_a_database_that_is_none(run: Run, tmp_path: Path, database: str) -> None:
    """The database is checked first, and a bad one leaves no file behind."""
    check_one_line(run(SLOTCAST_DATABASE=database), "SLOTCAST_DATABASE")
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_setting_and_command(run: Run, tmp_path: Path) -> None:
    """`--help` shows each setting by flag, variable and help text, and each command; it starts nothing."""
    result = run("--help")
    assert result.code == 0
    text = "".join(result.output.split())
    for setting in declared():
        assert setting.variable in text
        assert setting.flags.partition("/")[0] in text
        assert "".join(setting.help.split()) in text
    for command in ("token", "demo", "check", "calendar", "secret", "slot"):
        assert command in result.output
    assert list(tmp_path.iterdir()) == []


def test_every_setting_is_in_the_readme_with_its_default() -> None:
    """README's table has one row for each setting: flags, variable, default and help text."""
    readme = (ROOT / "README.md").read_text()
    for setting in declared():
        (row,) = [line for line in readme.splitlines() if f"| `{setting.variable}` |" in line]
        switch = "on" if setting.default else "off"
        default = (
            switch if isinstance(setting.default, bool) else f"`{setting.default}`" if setting.default != "" else ""
        )
        assert row.endswith(f"| `{setting.variable}` | {default} | {setting.help} |")
        for flag in setting.flags.split("/"):
            assert f"`{flag}`" in row


def test_every_setting_has_one_default() -> None:
    """`Settings()` and a command line without flags have the same values."""
    assert Settings() == Settings.read({setting.name: setting.default for setting in declared()})


@pytest.mark.parametrize("name", ["keep_customers_days", "keep_addresses_days", "token_days"])
def test_no_time_above_zero_becomes_zero(name: str) -> None:
    """0 keeps customers and tokens for ever, so a millionth of a day is a second. The longest time is one."""

    def seconds(days: float) -> int:
        given: dict[str, Any] = {name: days}
        settings = replace(Settings(), **given)
        of = {
            "keep_customers_days": settings.retention.customer_seconds,
            "keep_addresses_days": settings.retention.address_seconds,
            "token_days": settings.token_seconds,
        }
        return of[name]

    assert [seconds(days) for days in (0, 1e-9, 1e-6, 1, 1e5)] == [0, 1, 1, 86_400, 8_640_000_000]


def _bad_value(setting: Setting) -> str | None:
    """Return a bad value; None for a setting that takes any text."""
    if isinstance(setting.default, bool):
        return "perhaps"
    if isinstance(setting.default, int | float):
        return "many" if setting.least is None else str(setting.least - 1)
    return None if setting.name == "host" else "?"


@pytest.mark.parametrize("setting", declared(), ids=lambda setting: setting.name)
def test_a_bad_value_of_each_setting_is_one_line(run: Run, tmp_path: Path, setting: Setting) -> None:
    """A bad value of any setting stops the start with one line that names its variable, and makes no file."""
    value = _bad_value(setting)
    if value is None:
        return
    check_one_line(run(**{setting.variable: value}), setting.variable)
    assert list(tmp_path.iterdir()) == []


# The engine's name of a limit, and the setting of it.
SAME = {"message_seconds": "body_seconds"}


def _literal_defaults() -> Iterator[tuple[str, str]]:
    """Yield the name and the module of each argument, field or setting with a default written out as a literal."""
    for package in ("models", "realtime", "cli"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                module = str(path.relative_to(ROOT))
                if isinstance(node, ast.arguments):
                    named = [*node.posonlyargs, *node.args]
                    names = [*named[len(named) - len(node.defaults) :], *node.kwonlyargs]
                    for name, default in zip(names, [*node.defaults, *node.kw_defaults], strict=True):
                        if isinstance(default, ast.Constant):
                            yield name.arg, module
                elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                    value = node.value.args[0] if isinstance(node.value, ast.Call) and node.value.args else node.value
                    if isinstance(value, ast.Constant):
                        yield node.target.id, module


def test_each_default_stands_once() -> None:
    """The default of a setting is written in one place: in its declaration, or in the class whose limit it sets."""
    places: dict[str, list[str]] = {setting.name: [] for setting in declared()}
    for name, module in _literal_defaults():
        if SAME.get(name, name) in places:
            places[SAME.get(name, name)].append(module)
    assert len(places) > 15
    assert {name: modules for name, modules in places.items() if len(modules) > 1} == {}


def test_a_variable_that_is_no_setting_is_named(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """A mistyped variable changes nothing; the log names it, and the setting that was meant."""
    assert unknown_variables(["SLOTCAST_PORT", "PORT", "SLOTCAST_ORIGIN", "SLOTCAST_XYZZY_12345"]) == [
        "SLOTCAST_ORIGIN is no setting and changes nothing. Did you mean SLOTCAST_ORIGINS?",
        "SLOTCAST_XYZZY_12345 is no setting and changes nothing.",
    ]
    assert run("calendar", "list", SLOTCAST_DATABSE="sqlite:///other.db").code == 0
    assert "SLOTCAST_DATABSE is no setting and changes nothing. Did you mean SLOTCAST_DATABASE?" in caplog.text
