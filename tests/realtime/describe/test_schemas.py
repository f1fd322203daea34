"""The schemas of the descriptions: each reference names an existing one."""

from typing import Any

from realtime.describe.asyncapi import asyncapi
from realtime.describe.openapi import openapi


def test_every_pointer_leads_somewhere() -> None:
    """A `$ref` in either document names an existing part."""
    for document in (openapi(), asyncapi()):
        for pointer in _pointers(document):
            found: Any = document
            for step in pointer.removeprefix("#/").split("/"):
                found = found[step]


def _pointers(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(_pointers, part.values()))
    return set().union(*map(_pointers, part)) if isinstance(part, list) else set()
