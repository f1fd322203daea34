"""The example apps have no error of types, against the types of the library, of React and of React Native.

The types of React Native are those of the last release that came apart from the package (0.72). The package itself is
177 MB with what it needs, too much for a test of types.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

_WEB = ROOT / "web"
_NODE = ROOT / "tests/node"
_CLIENT = _WEB / "src/client"
_OPTIONS = {
    "target": "ES2022", "module": "ESNext", "moduleResolution": "bundler", "lib": ["ES2023", "DOM", "DOM.Iterable"],
    "jsx": "react-jsx", "strict": True, "noEmit": True, "skipLibCheck": True, "allowImportingTsExtensions": True,
    "types": [],
}  # fmt: skip


@pytest.mark.parametrize("example", ["vite-react", "expo"])
def test_an_example_has_no_error_of_types(example: str, tmp_path: Path) -> None:
    """Each import is found as an installed package has it."""
    entries = {"slotcast-client": "index.ts"} | {
        f"slotcast-client/{name}": f"frameworks/{name}.ts" for name in ("react", "native")
    }
    paths = {name: [str(_CLIENT / file)] for name, file in entries.items()}
    places = [place / "node_modules" / types for place in (_WEB, _NODE) for types in ("@types", "")]
    paths |= {"*": [f"{place}/*" for place in places]}
    folder = ROOT / "examples" / example
    files = [str(path) for path in sorted(folder.rglob("*.tsx")) if "node_modules" not in path.parts]
    config = {"compilerOptions": {**_OPTIONS, "paths": paths}, "files": files}
    (tmp_path / "tsconfig.json").write_text(json.dumps(config))
    environment = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    command = [str(_WEB / "node_modules/.bin/tsc"), "-p", str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
