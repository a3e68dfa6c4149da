"""Load declarations at run time, and register them."""

import os
import ssl
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, cast

from microagent.declarations import Declarations
from microagent.errors import QueueNotFound, SignalNotFound
from microagent.names import guess, shown
from microagent.queue import Queue
from microagent.registry import OnConflict, check_on_conflict
from microagent.signal import Signal
from microagent.sources.documents import LIMIT, TIMEOUT
from microagent.sources.obtaining import Terms, declarations_of

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
    """
    Load and register the signals that a source declares.

    ::

        signals = load_signals("file://signals.json")
        signals.user_created

    :param source: ``file://`` and a path, absolute or relative to the working directory; or an URL of ``https`` or
        ``http``
    :param on_conflict: when a name is known with another structure: ``error``; ``warn`` or ``keep`` the known one as
        it is; ``replace`` it, in place
    :param timeout: seconds for all of it
    :param limit: bytes that the source may have, with all files that it refers to
    :param context: whom to trust; the system's authorities by default
    :param lock: a file that ``microagent-gen --lock`` wrote; what declares otherwise than it records is refused
    :param sha256: the digest that the source has to have, in hexadecimal
    :param cache: a folder for the last good copy of what came from the web, which is used, with a warning, while its
        server is away; never when the server answers something else
    :raises UnreachableError: if the server is away
    :raises DriftError: if the source is not what ``lock`` or ``sha256`` says
    :raises LoadingError: if the source cannot be read, or must not be
    :raises DeclarationError: with every problem of the source
    :raises ConflictError: if names are known with other structures; none is registered then
    :raises ConfigurationError: if another argument is wrong; nothing is read then
    """
    check_on_conflict(on_conflict)
    terms = Terms(timeout, limit, context, lock, sha256, cache)
    return _signals(declarations_of(source, terms), on_conflict)


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
    terms = Terms(timeout, limit, context, lock, sha256, cache)
    return _queues(declarations_of(source, terms), on_conflict)


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
    declarations = declarations_of(source, Terms(timeout, limit, context, lock, sha256, cache))
    return _signals(declarations, on_conflict), _queues(declarations, on_conflict)


def _signals(declarations: Declarations, on_conflict: OnConflict) -> SignalSet:
    return cast("SignalSet", _named("SignalSet", Signal.admit_all(declarations.signals, on_conflict), SignalNotFound))


def _queues(declarations: Declarations, on_conflict: OnConflict) -> QueueSet:
    return cast("QueueSet", _named("QueueSet", Queue.admit_all(declarations.queues, on_conflict), QueueNotFound))


class _Named(tuple[Any, ...]):
    """
    A named tuple that says what it has when it is asked for what it has not.

    The standard library's would evaluate a text with these names in it, and they come from outside.
    """

    __slots__ = ()
    _fields: ClassVar[tuple[str, ...]]
    _missing: ClassVar[type[AttributeError]]

    def __getattr__(self, asked: str) -> Any:
        if asked.startswith("_"):  # Python asking for a protocol
            raise AttributeError(asked)
        there = f"only {', '.join(self._fields)}" if self._fields else "nothing is"
        raise self._missing(f"{shown(asked)} is not declared there, {there}{guess(asked, self._fields)}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={word!r}' for name, word in self._asdict().items())})"

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))


def _named(name: str, words: Sequence[Signal] | Sequence[Queue], missing: type[AttributeError]) -> Any:
    fields = tuple(word.name for word in words)
    own = {"__slots__": (), "_fields": fields, "_missing": missing}
    return type(name, (_Named,), {field: property(itemgetter(n)) for n, field in enumerate(fields)} | own)(words)
