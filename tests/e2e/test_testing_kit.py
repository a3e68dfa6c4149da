"""The testing kit as its users have it: found by pytest, tried on the tests of the examples and of its manual."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "docs" / "testing.md"


def run(*command: str | Path) -> str:
    """The output of a Python module that has to succeed; in a process of its own, so that pytest is a new one."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV_"))}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=own, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_pytest(file: Path, mode: str) -> str:
    """The last line of a pytest that is not configured otherwise, in which a warning is an error."""
    options = ["-c", os.devnull, "--rootdir", file.parent, "-p", "no:cacheprovider", "-q", "-W", "error"]
    scope = ["-o", "asyncio_default_fixture_loop_scope=function"]  # pytest-asyncio warns of those who do not say
    return run("pytest", *options, *scope, f"--asyncio-mode={mode}", file).splitlines()[-1]


@pytest.fixture
def manual(tmp_path: Path) -> Path:
    """The examples of the manual as one file of tests."""
    file = tmp_path / "test_manual.py"
    found = re.findall(r"^```python\n(.*?)^```$", MANUAL.read_text(), re.MULTILINE | re.DOTALL)
    file.write_text("\n\n".join(found))
    return file


def test_examples_are_tested():
    """The example agents pass their tests."""
    assert re.match(r"6 passed in ", run_pytest(ROOT / "examples" / "test_agents.py", "auto"))


def test_manual_is_right(manual: Path):
    """What docs/testing.md shows passes, and is typed as strictly as can be."""
    assert re.match(r"7 passed in ", run_pytest(manual, "auto"))
    run("mypy", "--strict", manual)


def test_kit_works_in_strict_mode(manual: Path):
    """Tests that are marked get the same fixtures."""
    manual.write_text(f"import pytest\n\npytestmark = pytest.mark.asyncio\n{manual.read_text()}")
    assert re.match(r"7 passed in ", run_pytest(manual, "strict"))
