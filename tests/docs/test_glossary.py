"""Modules and public classes are named by the glossary's words, in the glossary's places."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support import ROOT

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
PACKAGES = ("models", "realtime", "cli")
# `BookSlot` is a command; "book" is a private word only as a noun for the product.
DOMAIN_VERBS = {"book"}


def _rows(section: str) -> list[list[str]]:
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def _sections() -> dict[str, list[list[str]]]:
    return {part.split("\n", 1)[0]: _rows(part) for part in GLOSSARY.split("\n## ")[1:]}


def _unused() -> set[str]:
    cells = [row[0] for row in _sections()["Words that are not used"]]
    return {re.sub(r" \(.*", "", word) for cell in cells for word in cell.split(", ")} - DOMAIN_VERBS


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())


def _names() -> Iterator[tuple[str, str]]:
    """Yield each module and each public class as its module's path and its name."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            module = str(path.relative_to(ROOT).with_suffix("")).removesuffix("/__init__")
            yield module, module.rsplit("/", 1)[-1]
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    yield module, node.name


def _placed() -> Iterator[tuple[str, list[str]]]:
    """Yield each word of the glossary with places of its own, and these places."""
    for title, rows in _sections().items():
        for word, _, places, *_ in (row for row in rows if title != "Words that are not used"):
            if places != "everywhere":
                yield word, re.findall(r"`([\w/]+)`", places)


def _contains(name: str, term: str) -> bool:
    """Say whether a name is made of the words of a term, one behind the other."""
    words, wanted = _words(name), _words(term)
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words)))


def test_no_name_uses_a_word_that_the_glossary_replaces() -> None:
    """No module and no public class has a private metaphor in its name."""
    assert len(_unused()) > 15
    bad = sorted({f"{module}: {name}" for module, name in _names() for word in _words(name) if word in _unused()})
    assert bad == []


def test_each_word_stands_where_the_glossary_places_it() -> None:
    """A class or module named by a word of the glossary is in one of the word's places."""
    terms = dict(_placed())
    assert len(terms) > 30
    strays = set()
    for module, name in _names():
        found = [term for term in terms if _contains(name, term)]
        # "connection writer" is a term of its own: the name is not one of a "writer".
        longest = [term for term in found if not any(term != other and _contains(other, term) for other in found)]
        for term in longest:
            if not any(f"{module}/".startswith(f"{place}/") for place in terms[term]):
                strays.add(f"{module}: {name} ({term})")
    assert sorted(strays) == []


@pytest.mark.parametrize("term", [term for term, places in _placed() if places])
def test_each_place_of_the_glossary_exists(term: str) -> None:
    """A place is a folder, a Python module or a TypeScript folder of the project."""
    places = dict(_placed())[term]
    assert [place for place in places if not any((ROOT / f"{place}{end}").exists() for end in ("", ".py"))] == []


def test_a_word_has_one_row() -> None:
    """The glossary defines no word twice."""
    words = [row[0] for title, rows in _sections().items() for row in rows if title != "Words that are not used"]
    assert len(words) == len(set(words))
