"""What type checkers say of generated packages: nothing."""

import json
import shutil
import subprocess
import sys

import pytest
from generating import GOLDEN


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """All expected packages in one folder, and a strict configuration for it."""
    folder = tmp_path_factory.mktemp("packages")
    for case in sorted(GOLDEN.iterdir()):
        shutil.copytree(case / "expected", folder / case.name)
    (folder / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
    return folder


def test_mypy_strict_finds_nothing(packages):
    """mypy --strict has nothing to say of any generated package."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "."]
    done = subprocess.run(command, cwd=packages, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_strict_finds_nothing(packages):
    """Pyright in strict mode has nothing to say of any generated package, not even a warning."""
    command = [sys.executable, "-m", "pyright", "--warnings", "--pythonpath", sys.executable, "."]
    done = subprocess.run(command, cwd=packages, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
