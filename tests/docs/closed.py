"""Schemas that allow no other fields, so that no message has a field without a description."""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from msgspec import Struct

from realtime.describe.schemas import components, reference


@cache
def _components() -> dict[str, Any]:
    closed: dict[str, Any] = _shut(components())
    return closed


def _shut(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_shut(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {name: _shut(part) for name, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        shut["additionalProperties"] = False
    return shut


def faults(message: Any, *kinds: type[Struct]) -> list[str]:
    """Return the faults of a message by these schemas."""
    schema = {**reference(*kinds), "components": {"schemas": _components()}}
    return [f"{fault.json_path}: {fault.message}" for fault in Draft202012Validator(schema).iter_errors(message)]
