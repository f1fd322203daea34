"""docs/rules.md: every sentence names a test that exists, and every rule of the code is there."""

import re

from tests.support import ROOT

TEXT = (ROOT / "docs" / "rules.md").read_text()
ROWS = re.findall(r"^\|([^|]*)\| (.+) \| `([^`]+)` \|$", TEXT, re.MULTILINE)


def test_every_sentence_names_its_test() -> None:
    """A row is a rule, a sentence or two and a test; there is no row of another form."""
    rows = [line for line in TEXT.splitlines() if line.startswith("|") and not line.startswith(("| rule |", "| --- |"))]
    assert len(rows) == len(ROWS) > 40
    assert [sentence for _, sentence, _ in ROWS if not sentence.endswith(".")] == []


def test_every_test_exists() -> None:
    """The file is there, and it has the function."""
    missing = []
    for _, _, test in ROWS:
        path, _, name = test.partition("::")
        file = ROOT / path
        if not file.is_file() or (name and f"def {name}(" not in file.read_text()):
            missing.append(test)
    assert missing == []


def test_every_rule_has_a_sentence() -> None:
    """Each rule that a refusal names in its details, and each that `explain` goes through."""
    sources = [*(ROOT / "models").rglob("*.py"), *(ROOT / "realtime").rglob("*.py")]
    text = "".join(path.read_text() for path in sources)
    rules = set(re.findall(r'\brule="(\w+)"', text)) | set(re.findall(r'_asked\(\s*"(\w+)"', text))
    told = {rule.strip("` ") for rule, _, _ in ROWS}
    assert len(rules) > 15
    assert sorted(rules - told) == []
