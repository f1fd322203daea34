"""The mark of a relayed request is believed for its own request, its secret and its minute."""

import pytest
from aiohttp.test_utils import make_mocked_request
from aiohttp.web import Request

from models.contract.values.time import SECOND
from realtime.access.relay_mark import HEADER, VALID_SECONDS, RelayMark
from realtime.access.token_keys import TokenKeys

PATH = "/socket.io/?EIO=4&transport=polling&sid=x"
ADDRESS = "2001:db8::7"
NOW = 1_800_000_000 * SECOND


def marked(value: str, method: str = "GET", path: str = PATH) -> Request:
    return make_mocked_request(method, path, headers={HEADER: value})


def mark_at(now: int, secret: bytes = b"a secret of the tests") -> RelayMark:
    return RelayMark(secret, lambda: now)


@pytest.fixture
def value() -> str:
    return mark_at(NOW).write(make_mocked_request("GET", PATH), ADDRESS)


def test_the_address_comes_back(value: str) -> None:
    for second in (-VALID_SECONDS, 0, VALID_SECONDS):
        assert mark_at(NOW + second * SECOND).read(marked(value)) == ADDRESS


def test_a_mark_is_of_one_request_only(value: str) -> None:
    assert mark_at(NOW).read(marked(value, "POST")) is None
    assert mark_at(NOW).read(marked(value, path=f"{PATH}y")) is None
    assert mark_at(NOW).read(marked(value.replace("db8", "db9"))) is None
    assert mark_at(NOW, b"another secret of the tests").read(marked(value)) is None
    for second in (-VALID_SECONDS - 1, VALID_SECONDS + 1):
        assert mark_at(NOW + second * SECOND).read(marked(value)) is None


@pytest.mark.parametrize("value", ["", " ", "x", "x 1 127.0.0.1", "☃ ☃ ☃", "0" * 32 + " 1800000000 127.0.0.1"])
def test_a_forged_mark_is_none(value: str) -> None:
    assert mark_at(NOW).read(marked(value)) is None
    assert mark_at(NOW).read(make_mocked_request("GET", PATH)) is None


def test_a_mark_of_the_previous_secret_is_believed(value: str) -> None:
    """So servers pass requests on while their secret is replaced, in both directions."""
    after = RelayMark(TokenKeys(b"the next secret", b"a secret of the tests"), lambda: NOW)
    before = RelayMark(TokenKeys(b"a secret of the tests", b"the next secret"), lambda: NOW)
    assert after.read(marked(value)) == ADDRESS
    assert before.read(marked(after.write(make_mocked_request("GET", PATH), ADDRESS))) == ADDRESS
