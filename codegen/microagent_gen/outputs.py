"""Where a run writes what."""

import os
from dataclasses import dataclass, fields
from pathlib import Path

STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Outputs:
    """
    Where it goes: a package into ``folder``, JSON Schemas into ``schemas``, and files by their paths, ``-`` for the
    standard output.
    """

    folder: Path | None = None
    lock: str | None = None
    asyncapi: str | None = None
    schemas: Path | None = None

    def __bool__(self) -> bool:
        return any(getattr(self, each.name) for each in fields(self))

    @property
    def files(self) -> tuple[str, ...]:
        """Those that are single files."""
        return tuple(path for path in (self.lock, self.asyncapi) if path)

    @property
    def doubled(self) -> str | None:
        """Where two things would go, one of which is a file."""
        taken = {os.path.realpath(folder) for folder in (self.folder, self.schemas) if folder is not None}
        for file in self.files:
            if (place := file if file == STDOUT else os.path.realpath(file)) in taken:
                return file
            taken.add(place)
        return None

    @property
    def places(self) -> tuple[Path, ...]:
        """Where there will be JSON."""
        return (*(Path(file) for file in self.files if file != STDOUT), *((self.schemas,) if self.schemas else ()))
