"""The supply chain: every file of a package has its hash, every package its licence, and the bill names all of them."""

import json
import re

import pytest
from jsonschema import Draft7Validator

from tests.docs import supply
from tests.support import ROOT

LOCKS = (*supply.PYTHON_LOCKS, "tests/requirements.txt")


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_its_version_and_its_hashes(name: str) -> None:
    """pip then takes no other file, whatever an index offers; and nothing comes from another place."""
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith((" ", "#"))]
    found = list(supply.pinned(ROOT / name))
    assert len(found) == len(lines)
    assert [one.name for one in found if not one.hashes] == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_what_its_source_asks_for(name: str) -> None:
    """Each line of the *.in file is in the lock with the same version."""
    locked = {one.name.replace("_", "-"): one.version for one in supply.pinned(ROOT / name)}
    for line in (ROOT / name).with_suffix(".in").read_text().splitlines():
        if found := re.match(r"([A-Za-z0-9._-]+)(?:\[.*?\])?==([^\s;]+)", line):
            assert locked[found[1].lower().replace("_", "-")] == found[2], line


def test_a_package_has_one_version_everywhere() -> None:
    """The tests run with the versions that a server installs."""
    tests = {one.name: one.version for one in supply.pinned(ROOT / "tests/requirements.txt")}
    for name in supply.PYTHON_LOCKS:
        for one in supply.pinned(ROOT / name):
            assert tests[one.name] == one.version, one.name


def test_every_package_has_its_licence() -> None:
    """The page has a licence for each package of a server and of the web client."""
    rows = [line.split(" | ") for line in supply.licences().splitlines()[2:]]
    assert [row for row in rows if row[2].strip(" |") == ""] == []


def test_the_bill_of_materials() -> None:
    """It has each package once, with a hash and a licence, and is the same each time."""
    bill = supply.bill()
    assert bill == supply.bill()
    components = bill["components"]
    names = [one["bom-ref"] for one in components]
    assert len(names) == len(set(names)) > 150
    assert [one["name"] for one in components if not one.get("hashes")] == []
    assert [one["name"] for one in components if one["scope"] == "required" and not one.get("licenses")] == []
    assert {one["scope"] for one in components} == {"required", "optional", "excluded"}
    Draft7Validator(SHAPE).validate(json.loads(json.dumps(bill)))


_HASH = {
    "type": "object",
    "required": ["alg", "content"],
    "additionalProperties": False,
    "properties": {
        "alg": {"enum": ["SHA-1", "SHA-256", "SHA-512"]},
        "content": {"pattern": "^[a-f0-9]{40,128}$"},
    },
}
# The part of CycloneDX 1.6's schema that the bill uses.
SHAPE = {
    "type": "object",
    "required": ["bomFormat", "specVersion", "version"],
    "properties": {
        "bomFormat": {"const": "CycloneDX"},
        "specVersion": {"const": "1.6"},
        "serialNumber": {"pattern": "^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
        "version": {"type": "integer", "minimum": 1},
        "components": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "name"],
                "properties": {
                    "type": {"const": "library"},
                    "scope": {"enum": ["required", "optional", "excluded"]},
                    "purl": {"pattern": "^pkg:(pypi|npm)/[^@]+@[^@]+$"},
                    "hashes": {"type": "array", "items": _HASH},
                    "licenses": {"type": "array", "maxItems": 1},
                },
            },
        },
    },
}
