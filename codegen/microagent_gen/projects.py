"""The ``pyproject.toml`` of a project."""

import tomllib
from pathlib import Path
from typing import Any

FILE = "pyproject.toml"


def candidates(folder: Path) -> list[Path]:
    """Where the ``pyproject.toml`` of a folder's project may be: in it or above it, the nearest first."""
    return [above / FILE for above in (folder, *folder.parents)]


def project_name(folder: Path) -> str | None:
    """The name of the project that a folder belongs to; None if there is none."""
    for path in candidates(folder):
        try:
            name: Any = tomllib.loads(path.read_text("utf-8"))["project"]["name"]
        except (OSError, ValueError, RecursionError, LookupError, TypeError):
            continue
        if isinstance(name, str):
            return name
    return None
