"""What a project is called."""

import tomllib
from pathlib import Path
from typing import Any

FILE = "pyproject.toml"


def candidates(folder: Path) -> list[Path]:
    """Where a project may say what it is: in the folder and those above it, the nearest first."""
    return [above / FILE for above in (folder, *folder.parents)]


def project_name(folder: Path) -> str | None:
    """The name of the project that a folder belongs to, where one is said."""
    for path in candidates(folder):
        try:
            name: Any = tomllib.loads(path.read_text("utf-8"))["project"]["name"]
        except (OSError, ValueError, RecursionError, LookupError, TypeError):
            continue
        if isinstance(name, str):
            return name
    return None
