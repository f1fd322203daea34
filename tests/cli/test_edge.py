"""`server.py edge` needs the URL of its core."""

from pathlib import Path

import pytest

from tests.support import Server


@pytest.mark.parametrize("core", ["", "core:8080", "ftp://core", "http://core/path"])
def test_a_bad_url_of_the_core_is_one_clear_line(core: str, tmp_path: Path) -> None:
    done = Server(tmp_path).try_command("edge", "--core", core)
    assert done.returncode == 2
    assert done.stderr.startswith("slotcast: --core: ")
    assert not list(tmp_path.glob("*.secret"))
