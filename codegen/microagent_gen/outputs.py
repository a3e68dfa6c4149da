"""Where a run writes what."""

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
    def places(self) -> tuple[Path, ...]:
        """Where there will be JSON."""
        return (*(Path(file) for file in self.files if file != STDOUT), *((self.schemas,) if self.schemas else ()))
