"""The values of settings: the accepted forms, and the reasons of refusals."""

import pytest

from cli.setting_values import check_sender, read_listen, read_origins, read_pooled, read_workers
from tests.cli.command import Run, check_one_line


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", ()),
        ("*", ("*",)),
        ("http://localhost:5173, HTTPS://Example.org,", ("http://localhost:5173", "HTTPS://Example.org")),
        ("http://[::1]:8080", ("http://[::1]:8080",)),
    ],
)
def test_origins(text: str, origins: tuple[str, ...]) -> None:
    """An Origin in a browser's form is accepted, and `*`."""
    assert read_origins(text) == origins


@pytest.mark.parametrize(
    "text", ["", "b@example.org", "Praxis Müller <b@example.org>", '"Müller, Ada" <b@example.org>']
)
def test_a_sender_is_one_address(text: str) -> None:
    """A name may stand before it."""
    check_sender(text)


@pytest.mark.parametrize(
    "text", ["b", "b@", "b@example.org, c@example.org", "b@example.org\nBcc: c@example.org", "b@\x7f"]
)
def test_what_is_no_sender(text: str) -> None:
    """Every mail would fail with another header in it."""
    with pytest.raises(ValueError, match="it looks like"):
        check_sender(text)


@pytest.mark.parametrize(("text", "count"), [("1", 1), ("64", 64)])
def test_a_number_of_workers(text: str, count: int) -> None:
    assert read_workers(text) == count
    assert read_workers("auto") >= 1


@pytest.mark.parametrize("text", ["0", "65", "-1", "two", "", "1.5", "²"])
def test_what_is_no_number_of_workers(text: str) -> None:
    with pytest.raises(ValueError, match="from 1 to 64"):
        read_workers(text)


def test_addresses_to_listen_on() -> None:
    assert read_listen("") is None
    assert read_listen("[::1]:9090") == ("::1", 9090)
    for text in ("9090", "localhost:", "localhost:0", "localhost:65536", "localhost:http"):
        with pytest.raises(ValueError, match="looks like"):
            read_listen(text)


def test_answers_about_a_pooler() -> None:
    assert [read_pooled(text) for text in ("auto", "Yes", "no")] == [None, True, False]
    with pytest.raises(ValueError, match="auto, yes or no"):
        read_pooled("maybe")


def test_the_url_of_a_collector(run: Run) -> None:
    check_one_line(run("calendar", "list", SLOTCAST_OTLP="localhost:4318"), "SLOTCAST_OTLP", "http://127.0.0.1:4318")


def test_packages_that_a_setting_needs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without OpenTelemetry the setting is refused with the command that installs it."""
    monkeypatch.setattr("cli.setting_values.find_spec", lambda _: None)
    result = run("calendar", "list", SLOTCAST_OTLP="http://127.0.0.1:4318")
    check_one_line(result, "SLOTCAST_OTLP", "pip install -r deploy/requirements-otlp.txt")
