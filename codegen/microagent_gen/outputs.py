"""Where a run writes what."""

import os
from dataclasses import dataclass, fields
from pathlib import Path

STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Outputs:
    """
    The outputs of a run; what is None is not generated.

    :ivar folder: of the Python package
    :ivar lock: the path of the lock file, or ``-`` for the standard output
    :ivar asyncapi: the path of the AsyncAPI document, or ``-``
    :ivar schemas: the folder of the JSON Schemas
    """

    folder: Path | None = None
    lock: str | None = None
    asyncapi: str | None = None
    schemas: Path | None = None

    def __bool__(self) -> bool:
        return any(getattr(self, each.name) for each in fields(self))

    @property
    def files(self) -> tuple[str, ...]:
        """The outputs that are one file each."""
        return tuple(path for path in (self.lock, self.asyncapi) if path)

    @property
    def clash(self) -> str | None:
        """The path of a file that is also the path of another output; None if all differ."""
        taken = {os.path.realpath(folder) for folder in (self.folder, self.schemas) if folder is not None}
        for file in self.files:
            if (path := file if file == STDOUT else os.path.realpath(file)) in taken:
                return file
            taken.add(path)
        return None

    @property
    def json_paths(self) -> tuple[Path, ...]:
        """The files and folders that will hold JSON."""
        return (*(Path(file) for file in self.files if file != STDOUT), *((self.schemas,) if self.schemas else ()))
