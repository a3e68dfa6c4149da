"""Run the generator, and import what it wrote."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

from click.testing import CliRunner, Result

from microagent_gen.cli import main

GOLDEN = Path(__file__).with_name("golden")


def run(*arguments: object) -> Result:
    """The command in this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def run_process(*arguments: object, cwd: Path | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it."""
    command = [sys.executable, "-m", "microagent_gen", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False, **options)


def written(folder: Path, name: str, document: object) -> Path:
    """A JSON file in the folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), "utf-8")
    return path


def git(folder: Path, *arguments: str) -> str:
    """What git says in a folder, whatever is configured on this machine."""
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    people = {f"GIT_{who}_{what}": "nobody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(
        command, env={**environment, **own, **people}, capture_output=True, text=True, check=True, timeout=60
    ).stdout


def committed(folder: Path, branch: str = "main") -> Path:
    """The folder as a repository, all that it holds committed."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", f"--initial-branch={branch}")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=as it is")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, by its name."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def unique(name: str) -> str:
    """A name that no other test declares."""
    return f"{name}_{uuid4().hex}"


@contextmanager
def imported(folder: Path) -> Iterator[ModuleType]:
    """The generated package, until the end of the block."""
    sys.path.insert(0, str(folder.parent))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module(folder.name)
    finally:
        sys.path.remove(str(folder.parent))
        for name in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
            del sys.modules[name]


def package(tmp_path: Path, document: Mapping[str, Any]) -> Path:
    """A package generated from one document."""
    folder = tmp_path / unique("contracts")
    result = run(written(tmp_path, "declared.json", document), "-o", folder)
    assert result.exit_code == 0, result.output
    return folder
