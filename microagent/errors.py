"""The errors of microagent.

::

    MicroAgentError
    ├── DeclarationError              a declaration is invalid; lists every problem           (ValueError)
    │   └── ConflictError             one name is declared twice, differently
    ├── LoadingError                  declarations could not be loaded from a source
    │   ├── UnreachableError          its server is unavailable, perhaps only for now
    │   └── DriftError                its content differs from what was locked or pinned
    ├── HandlerError                  a handler's signature does not fit what it handles      (TypeError)
    ├── ScheduleError                 an invalid period or cron spec                          (ValueError)
    ├── ConfigurationError            an invalid DSN, option, backend or settings module      (ValueError)
    ├── SerializingError              a payload is not JSON, or does not fit its declaration  (ValueError)
    │   ├── SignalSerializingError    (also a SignalException)
    │   └── QueueSerializingError     (also a QueueException)
    ├── SignalException
    │   ├── SignalNotFound            no such signal is declared        (LookupError, AttributeError)
    │   └── CallError                 a call got no answer
    │       ├── NoReceivers           no process receives the signal
    │       └── RemoteError           every handler of the signal raised
    ├── QueueException
    │   └── QueueNotFound             no such queue is declared         (LookupError, AttributeError)
    └── BackendError                  the server, or the embedded store, failed
        ├── BackendConnectionError    the server cannot be reached      (ConnectionError)
        ├── AuthError                 the server rejects the credentials, or denies permission
        └── UnroutableError           no queue accepts the message (RabbitMQ)

    ServerInterrupt                   raise it in a ``server`` hook to stop the agent gracefully
    GroupInterrupt                    raised by the launcher when an agent failed and its group was stopped
    ExtraMissing                      a driver is not installed         (ModuleNotFoundError)
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from microagent.printable import printable

LONGEST_POINTER = 300  # characters shown of a pointer: keys can be of any length


class MicroAgentError(Exception):
    """Base of the errors of this library; ServerInterrupt, GroupInterrupt and ExtraMissing do not derive from it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One problem of a declaration, and its location.

    :ivar message: what is wrong
    :ivar source: the file or URL; ``""`` if it was declared in Python
    :ivar pointer: JSON Pointer (RFC 6901) to the place; ``""`` is the whole document
    :ivar line: counted from 1; None if the text is not available, as for a URL
    :ivar column: counted from 1; None if the text is not available
    """

    message: str
    source: str = ""
    pointer: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = printable(self.source)
        if self.line is not None:
            place = f"{place}:{self.line}:{self.column}"
        where = " ".join(part for part in (place, printable(self.pointer, LONGEST_POINTER)) if part)
        return f"{where}: {self.message}" if where else self.message


class DeclarationError(MicroAgentError, ValueError):
    """
    A declaration is invalid.

    :ivar problems: everything that is wrong with it; the message has one line for each
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class ConflictError(DeclarationError):
    """One name is declared twice with different definitions; the message shows both."""


class LoadingError(MicroAgentError):
    """
    Declarations could not be loaded from a file or URL.

    :ivar source: the file or URL
    :ivar reason: what went wrong
    """

    def __init__(self, source: str, reason: str) -> None:
        self.source = source
        self.reason = reason
        super().__init__(f"{printable(source)}: {reason}")


class UnreachableError(LoadingError):
    """The server of a URL is unavailable: no connection, no complete answer in time, or status 5xx, 408 or 429."""


class DriftError(LoadingError):
    """The content of a source differs from what a lock file or a digest says."""


class HandlerError(MicroAgentError, TypeError):
    """A handler cannot be called with what its signal or queue declares, or two handlers consume one queue."""


class ScheduleError(MicroAgentError, ValueError):
    """A period or cron spec is invalid, or never comes due."""


class ConfigurationError(MicroAgentError, ValueError):
    """A DSN, an option, a backend's import path or a settings module is wrong."""


class SerializingError(MicroAgentError, ValueError):
    """A payload is not JSON, received bytes are no JSON object, or a value does not fit its declaration."""


class SignalException(MicroAgentError):
    """Base of the errors about signals."""


class SignalSerializingError(SignalException, SerializingError):
    """A :class:`SerializingError` about the payload of a signal."""


class SignalNotFound(SignalException, LookupError, AttributeError):
    """No signal of this name is declared."""


class CallError(SignalException):
    """A call got no answer."""


class NoReceivers(CallError):
    """No process receives the signal that was called."""


class RemoteError(CallError):
    """
    Every handler of the signal that was called raised an exception.

    :ivar errors: maps ``"Class.method"`` to ``"ExceptionType: message"``
    """

    def __init__(self, message: str, errors: Mapping[str, str]) -> None:
        self.errors: dict[str, str] = dict(errors)
        super().__init__(message)


class QueueException(MicroAgentError):
    """Base of the errors about queues."""


class QueueSerializingError(QueueException, SerializingError):
    """A :class:`SerializingError` about the message of a queue."""


class QueueNotFound(QueueException, LookupError, AttributeError):
    """No queue of this name is declared."""


class BackendError(MicroAgentError):
    """The server, or the embedded store of ``local://``, failed to do what it was asked."""


class BackendConnectionError(BackendError, ConnectionError):
    """The server cannot be reached; operations raise it after they have tried for ``send_timeout`` seconds."""


class AuthError(BackendError):
    """The server rejects the credentials or denies permission, so trying again does not help."""


class UnroutableError(BackendError):
    """The message has been published to an exchange that has no queue for its routing key (RabbitMQ)."""


class ServerInterrupt(Exception):
    """Raise it in an ``@on("server")`` method to stop the agent gracefully."""


class GroupInterrupt(Exception):
    """Raised by the launcher when agents of a group failed or had to be killed."""


class ExtraMissing(ModuleNotFoundError):
    """A backend needs a package that is not installed; the message says which extra brings it."""
