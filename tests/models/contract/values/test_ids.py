"""Ids and nonces."""

from __future__ import annotations

import uuid

import pytest

from models.contract.values.ids import UUID, new_id, new_ids, new_nonce

NOW = 1_799_020_800_123


@pytest.mark.parametrize("ids", [[new_id(NOW) for _ in range(5_000)], new_ids(NOW, 5_000)], ids=["alone", "together"])
def test_an_id_is_a_uuid_of_its_time(ids: list[str]) -> None:
    """Version 7, variant 1, its first 48 bits the milliseconds; no two alike, and ordered by time."""
    assert len(set(ids)) == len(ids)
    assert len({text[19] for text in ids}) == len("89ab")
    for text in ids[:100]:
        made = uuid.UUID(text)
        assert UUID.fullmatch(text)
        assert (made.version, made.variant, made.int >> 80) == (7, uuid.RFC_4122, NOW)
    assert new_id(NOW) < new_id(NOW + 1)


def test_a_nonce_is_new() -> None:
    """Two histories never share one, as far as 48 bits go."""
    assert len({new_nonce() for _ in range(2_000)}) == 2_000
