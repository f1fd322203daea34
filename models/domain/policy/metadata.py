"""Checks and reads `data`: the JSON of staff and customers beside slots, bookings and calendars."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from models.contract.changes import encode
from models.contract.errors import BadRequest

DATA_BYTES = 4_096


def check_json(data: bytes | None, field: str) -> str | None:
    """Return any JSON as one line; BadRequest for more than 4,096 bytes, and for another text."""
    if data is None:
        return None
    if len(data) > DATA_BYTES:
        raise BadRequest(f"`data` has at most {DATA_BYTES} bytes of JSON.", field=field)
    try:
        msgspec.json.decode(data)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"`data` is not JSON: {error}", field=field) from error
    # One line: an event stream ends a field at the end of a line.
    return msgspec.json.format(data, indent=-1).decode()


def check_object(data: dict[str, Any] | UnsetType | None, field: str) -> str | None:
    """Return a JSON object as one line, None without one."""
    return None if data is None or isinstance(data, UnsetType) else check_json(encode(data), field)


@lru_cache(maxsize=1_024)
def read_json(text: str | None) -> Any:
    """Return stored JSON, UNSET without any. A text of an outside writer without valid JSON is left out."""
    try:
        return UNSET if text is None else msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return UNSET


def read_object(text: str | None) -> dict[str, Any] | UnsetType:
    """Return a stored JSON object, UNSET for anything else."""
    found = read_json(text)
    return found if isinstance(found, dict) else UNSET
