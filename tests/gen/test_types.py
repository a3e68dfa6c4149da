"""What type checkers say of generated packages: nothing."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from generating import GOLDEN


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """All expected packages in one folder, what uses them, and a strict configuration."""
    folder = tmp_path_factory.mktemp("packages")
    for case in sorted(GOLDEN.iterdir()):
        shutil.copytree(case / "expected", folder / case.name)
    shutil.copy(Path(__file__).with_name("uses_packages.py"), folder)
    rules = {
        "typeCheckingMode": "strict",
        "enableTypeIgnoreComments": False,
        "reportUnnecessaryTypeIgnoreComment": True,
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(rules))
    return folder


def test_mypy_strict_finds_nothing(packages):
    """mypy --strict has nothing to say of any generated package; it finds the mistakes in what uses them."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "."]
    done = subprocess.run(command, cwd=packages, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_strict_finds_nothing(packages):
    """Pyright in strict mode has nothing to say of any generated package, and finds the mistakes in what uses them."""
    command = [sys.executable, "-m", "pyright", "--warnings", "--pythonpath", sys.executable, "."]
    done = subprocess.run(command, cwd=packages, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
