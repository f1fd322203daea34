"""A notification has whole rows of a server with the same secret, or at least the advice to look."""

import pytest

from models.contract.changes import Logged
from models.contract.server_answers import ToldFigures
from models.contract.values.tokens import Tokens
from models.storage.commits.notice import Look, Notices, Presence

SECRET = b"a secret of the tests"
MOST = 1_000
POSTGRES_BYTES = 8_000  # of a notification


@pytest.fixture
def sender() -> Notices:
    return Notices(Tokens(SECRET))


@pytest.fixture
def reader() -> Notices:
    return Notices(Tokens(SECRET))


def row(seq: int, size: int = 10) -> Logged:
    body = b'{"text":"%s"}' % (b"x" * size)
    return Logged("room", seq, f"n{seq}", f"n{seq - 1}", "slot.updated", body, ("booking",))


def test_rows_come_back_whole_and_in_order(sender: Notices, reader: Notices) -> None:
    """They are cut into notifications of the given size."""
    rows = [row(seq, size=seq * 3) for seq in range(1, 100)]
    payloads = list(sender.of(rows, MOST, must_look=False))
    assert len(payloads) > 1
    assert all(len(payload.encode()) <= MOST for payload in payloads)
    found = [reader.read(payload) for payload in payloads]
    assert [one for part in found if isinstance(part, list) for one in part] == rows


def test_a_row_that_is_too_large_becomes_the_advice_to_look(sender: Notices, reader: Notices) -> None:
    (payload,) = sender.of([row(1, size=MOST)], MOST, must_look=False)
    assert reader.read(payload) == Look()


def test_rows_without_a_place_become_the_advice_to_look(sender: Notices, reader: Notices) -> None:
    first, second = sender.of([row(1)], MOST, must_look=True)
    assert reader.read(first) == [row(1)]
    assert reader.read(second) == Look()


def test_a_server_reads_none_of_its_own_rows(sender: Notices) -> None:
    (payload,) = sender.of([row(1)], MOST, must_look=False)
    assert sender.read(payload) == []


def test_a_beat_names_its_server(sender: Notices, reader: Notices) -> None:
    beat = sender.beat(hears_redis=True, url="http://10.0.0.1:8080")
    assert reader.read(beat) == Presence(node=sender.node, hears_redis=True, url="http://10.0.0.1:8080")


def test_a_beat_has_the_figures_of_its_server(sender: Notices, reader: Notices) -> None:
    """They come back whole, and fit into the smallest notification."""
    most = 2**53
    told = ToldFigures(
        place="p" * 40,
        name="n" * 100,
        started_at=most,
        is_leader=True,
        **dict.fromkeys(("connections", "subscribers", "rooms", "queued", "changes", "requests", "slow"), most),
    )
    beat = sender.beat(hears_redis=False, url="http://" + "u" * 200, told=told)
    assert len(beat.encode()) < POSTGRES_BYTES
    found = reader.read(beat)
    assert isinstance(found, Presence)
    assert found.told == told


def test_a_beat_of_the_release_before_has_no_text(sender: Notices, reader: Notices) -> None:
    assert reader.read(sender._sign("b", b"")) == Presence(node=sender.node, hears_redis=False)


@pytest.mark.parametrize("cut", [0, 1, 21, 22, 34, 35, -1])
def test_what_is_not_signed_is_no_row(cut: int, sender: Notices, reader: Notices) -> None:
    """A notification that was cut, changed or signed by another secret only says that there may be something."""
    (payload,) = sender.of([row(1)], MOST, must_look=False)
    assert reader.read(payload[:cut]) == Look()
    assert reader.read(payload[:cut] + "☃" + payload[cut:]) == Look()
    assert Notices(Tokens(b"another secret of the tests")).read(payload) == Look()


def test_two_secrets_are_read_while_one_replaces_the_other(sender: Notices) -> None:
    """The rows of a server with the old secret are rows for one that knows it, and the other way about."""
    after = Notices(Tokens(b"the next secret of the tests", SECRET))
    before = Notices(Tokens(SECRET, b"the next secret of the tests"))
    for one, other in ((sender, after), (after, before), (before, after)):
        (payload,) = one.of([row(1)], MOST, must_look=False)
        assert other.read(payload) == [row(1)]
