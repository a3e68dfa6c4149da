"""What is said where a driver is missing that comes with an extra."""

from dataclasses import dataclass
from types import TracebackType

from microagent.errors import ExtraMissing


@dataclass(frozen=True, slots=True)
class needed:  # noqa: N801 - it reads as what it is for: with needed(...)
    """
    Around the imports of ``module`` that need what ``extra`` brings.

    :raises ExtraMissing: if it is not there
    """

    module: str
    extra: str

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, ModuleNotFoundError):
            package = str(error.name).partition(".")[0]
            what = f"{self.module!r} needs {package!r}: pip install 'microagent[{self.extra}]'"
            raise ExtraMissing(what, name=package) from None
