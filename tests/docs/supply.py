"""The supply chain: what is installed with which licence, and its bill of materials as CycloneDX.

`python -m tests.docs.supply` prints the bill: `make sbom` writes it to sbom.cdx.json. Everything comes from the lock
files and from the installed packages, so it needs no network, and two runs on one commit print the same.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import ROOT

PYTHON_LOCKS = ("requirements.txt", "deploy/requirements-otlp.txt")
NODE_LOCK = "web/package-lock.json"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)(?:\s*;\s*([^\\]+?))?\s*\\?$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_SPELLINGS = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "MIT License": "MIT",
    "ISC License (ISCL)": "ISC",
    "ISC License": "ISC",
    "The Unlicense (Unlicense)": "Unlicense",
    "Python Software Foundation License": "PSF-2.0",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
# The licences of packages whose metadata names none, and of those for other platforms than this one.
_STATED = {
    "async-timeout": "Apache-2.0",
    "colorama": "BSD-3-Clause",
    "peewee": "MIT",
    "xmlhttprequest-ssl": "MIT",
}


class Pinned(NamedTuple):
    """A package of a lock file: its version, the marker of its platforms, and the hashes of its files."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def pinned(path: Path) -> Iterator[Pinned]:
    """Yield the packages of a file of requirements with hashes."""
    blocks = re.split(r"\n(?=[A-Za-z0-9])", path.read_text())
    for block in blocks:
        first = block.partition("\n")[0]
        if (found := _PINNED.match(first)) is not None:
            yield Pinned(found[1].lower(), found[2], found[3] or "", tuple(_HASH.findall(block)))


def licence_of(name: str) -> str:
    """Return the SPDX name of an installed package's licence; "" for a package that is not installed."""
    if name in _STATED:
        return _STATED[name]
    try:
        found: Any = metadata(name)
    except PackageNotFoundError:
        return ""
    stated = found.get("License-Expression")
    if stated:
        return str(stated)
    classifiers = [one.rpartition(" :: ")[2] for one in found.get_all("Classifier") or () if one.startswith("License")]
    words = [one for one in classifiers if one != "OSI Approved"]
    words = words or [str(found.get("License") or "").partition("\n")[0]]
    return " OR ".join(_SPELLINGS.get(one, one) for one in words)


def licences() -> str:
    """Return the table of docs/licences.md. A package that is not installed keeps the page's licence."""
    page = (ROOT / "docs" / "licences.md").read_text()
    rows = ["| package | version | licence |", "| --- | --- | --- |"]
    seen = set()
    for lock in PYTHON_LOCKS:
        for one in pinned(ROOT / lock):
            if one.name in seen:
                continue
            seen.add(one.name)
            known = re.search(rf"^\| {re.escape(one.name)} \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE)
            rows.append(f"| {one.name} | {one.version} | {licence_of(one.name) or (known[1] if known else '')} |")
    for name, package in _node(has_dev=False):
        rows.append(f"| {name} (web client) | {package['version']} | {package.get('license') or _STATED[name]} |")
    return "\n".join(rows)


def _node(*, has_dev: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    packages = json.loads((ROOT / NODE_LOCK).read_text())["packages"]
    for path, package in packages.items():
        if path and "version" in package and (has_dev or not package.get("dev")):
            yield path.rpartition("node_modules/")[2], package


def bill() -> dict[str, Any]:
    """Return the bill of materials (CycloneDX 1.6). What only builds the web client is in it as `excluded`."""
    components: dict[str, dict[str, Any]] = {}
    for lock in PYTHON_LOCKS:
        scope = "required" if lock == PYTHON_LOCKS[0] else "optional"
        for one in pinned(ROOT / lock):
            purl = f"pkg:pypi/{one.name}@{one.version}"
            hashes = [{"alg": "SHA-256", "content": content} for content in one.hashes]
            components.setdefault(purl, _component(one.name, one.version, purl, scope, licence_of(one.name), hashes))
    for name, package in _node(has_dev=True):
        purl = f"pkg:npm/{name.replace('@', '%40')}@{package['version']}"
        algorithm, _, content = package.get("integrity", "").partition("-")
        digest = base64.b64decode(content).hex()
        hashes = [{"alg": algorithm.upper().replace("SHA", "SHA-"), "content": digest}] if digest else []
        scope = "excluded" if package.get("dev") else "required"
        licence = package.get("license") or _STATED.get(name, "")
        components.setdefault(purl, _component(name, package["version"], purl, scope, licence, hashes))
    found = sorted(components.values(), key=lambda one: str(one["purl"]))
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, check=False, capture_output=True, text=True).stdout
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(found) + commit)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "slotcast",
                "name": "slotcast",
                "version": commit.strip()[:12] or "unknown",
                "licenses": [{"license": {"id": "MIT"}}],
            }
        },
        "components": found,
    }


def _component(  # noqa: PLR0917 - the fields of a component
    name: str, version: str, purl: str, scope: str, licence: str, hashes: list[dict[str, str]]
) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    found["scope"] = scope
    if licence:
        found["licenses"] = [{"expression": licence} if re.search(r" (OR|AND|WITH) ", licence) else _named(licence)]
    if hashes:
        found["hashes"] = hashes
    return found


def _named(licence: str) -> dict[str, Any]:
    is_spdx = re.fullmatch(r"[A-Za-z0-9.+-]+", licence) is not None
    return {"license": {"id" if is_spdx else "name": licence}}


if __name__ == "__main__":
    json.dump(bill(), sys.stdout, indent=2)
    print()
