"""Turns the missing driver of a backend into an error that says what to install."""

from dataclasses import dataclass
from types import TracebackType

from microagent.errors import ExtraMissing


@dataclass(frozen=True, slots=True)
class needed:  # noqa: N801 - it reads as what it is for: with needed(...)
    """
    A context manager for imports that need an optional dependency.

    :param module: what needs it, for the message
    :param extra: the extra of this package that brings it
    :raises ExtraMissing: if one of the imported packages is not installed
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
