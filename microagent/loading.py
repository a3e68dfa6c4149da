"""Load declarations at run time, and register them: ``load_signals``, ``load_queues`` and ``load_stuff``."""

import os
import ssl
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, cast

from microagent.declarations import Declarations
from microagent.errors import ConflictError, QueueNotFound, SignalNotFound
from microagent.names import guess, shown
from microagent.queue import Queue
from microagent.registry import OnConflict, check_on_conflict
from microagent.signal import Signal
from microagent.sources.documents import LIMIT, TIMEOUT
from microagent.sources.obtaining import LoadOptions, declarations_of

if TYPE_CHECKING:

    class SignalSet:
        """The signals of a source: a named tuple with a field per signal."""

        def __getattr__(self, name: str) -> Signal: ...
        def __getitem__(self, index: int) -> Signal: ...
        def __iter__(self) -> Iterator[Signal]: ...
        def __len__(self) -> int: ...

    class QueueSet:
        """The queues of a source: a named tuple with a field per queue."""

        def __getattr__(self, name: str) -> Queue: ...
        def __getitem__(self, index: int) -> Queue: ...
        def __iter__(self) -> Iterator[Queue]: ...
        def __len__(self) -> int: ...
else:
    SignalSet = QueueSet = tuple


def load_signals(
    source: str,
    *,
    on_conflict: OnConflict = "error",
    timeout: float = TIMEOUT,
    limit: int = LIMIT,
    context: ssl.SSLContext | None = None,
    lock: str | os.PathLike[str] | None = None,
    sha256: str | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> SignalSet:
    r"""
    Load and register the signals that a source declares.

    ::

        signals = load_signals("file://signals.json")
        signals.user_created

    :param source: an ``https://`` or ``http://`` URL, or ``file://`` followed by a path, absolute or relative to the
        working directory
    :param on_conflict: what to do if a name is registered with another structure: ``error`` raises, ``keep`` keeps the
        registered declaration, ``warn`` does so and logs a warning, ``replace`` replaces it in place
    :param timeout: seconds for the whole transfer
    :param limit: bytes that the source and all files that it refers to may have together
    :param context: the TLS context; by default one that trusts the system's certificate authorities
    :param lock: a lock file, written by ``microagent-gen --lock``; a source with other declarations is refused
    :param sha256: the digest that the source must have, in hexadecimal
    :param cache: a folder that keeps the last good copy of a document from the web; the copy is used, with a warning,
        while the server is unreachable, but not when it answers with an error or another document
    :raises UnreachableError: if the server is unreachable, and there is no copy
    :raises DriftError: if the source differs from what ``lock`` or ``sha256`` says
    :raises LoadingError: if the source cannot be read, or must not be
    :raises DeclarationError: with every problem of the source
    :raises ConflictError: with ``error``, if names are registered with other structures; nothing is registered then
    :raises ConfigurationError: if another argument is not valid; nothing is read then
    """
    check_on_conflict(on_conflict)
    options = LoadOptions(timeout, limit, context, lock, sha256, cache)
    return _signals(declarations_of(source, options), on_conflict)


def load_queues(
    source: str,
    *,
    on_conflict: OnConflict = "error",
    timeout: float = TIMEOUT,
    limit: int = LIMIT,
    context: ssl.SSLContext | None = None,
    lock: str | os.PathLike[str] | None = None,
    sha256: str | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> QueueSet:
    """Load and register the queues that a source declares; see ``load_signals``."""
    check_on_conflict(on_conflict)
    options = LoadOptions(timeout, limit, context, lock, sha256, cache)
    return _queues(declarations_of(source, options), on_conflict)


def load_stuff(
    source: str,
    *,
    on_conflict: OnConflict = "error",
    timeout: float = TIMEOUT,
    limit: int = LIMIT,
    context: ssl.SSLContext | None = None,
    lock: str | os.PathLike[str] | None = None,
    sha256: str | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> tuple[SignalSet, QueueSet]:
    """Load and register the signals and the queues that a source declares; see ``load_signals``."""
    check_on_conflict(on_conflict)
    declarations = declarations_of(source, LoadOptions(timeout, limit, context, lock, sha256, cache))
    conflicts = [*Signal.conflicts(declarations.signals), *Queue.conflicts(declarations.queues)]
    if conflicts and on_conflict == "error":  # before any of them is registered
        raise ConflictError(conflicts)
    return _signals(declarations, on_conflict), _queues(declarations, on_conflict)


def _signals(declarations: Declarations, on_conflict: OnConflict) -> SignalSet:
    return cast("SignalSet", _named("SignalSet", Signal.admit_all(declarations.signals, on_conflict), SignalNotFound))


def _queues(declarations: Declarations, on_conflict: OnConflict) -> QueueSet:
    return cast("QueueSet", _named("QueueSet", Queue.admit_all(declarations.queues, on_conflict), QueueNotFound))


class _Named(tuple[Any, ...]):
    """
    A named tuple whose error for an unknown name lists the names that it has.

    ``collections.namedtuple`` is not used because it evaluates source code that is built from the names.
    """

    __slots__ = ()
    _fields: ClassVar[tuple[str, ...]]
    _missing: ClassVar[type[AttributeError]]

    def __getattr__(self, asked: str) -> Any:
        if asked.startswith("_"):  # a protocol of Python, such as copying
            raise AttributeError(asked)
        declared = f"only {', '.join(self._fields)}" if self._fields else "nothing is"
        raise self._missing(f"{shown(asked)} is not declared there, {declared}{guess(asked, self._fields)}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={item!r}' for name, item in self._asdict().items())})"

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))


def _named(name: str, items: Sequence[Signal] | Sequence[Queue], missing: type[AttributeError]) -> Any:
    fields = tuple(item.name for item in items)
    own = {"__slots__": (), "_fields": fields, "_missing": missing}
    return type(name, (_Named,), {field: property(itemgetter(n)) for n, field in enumerate(fields)} | own)(items)
