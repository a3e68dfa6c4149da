"""The errors of microagent.

::

    MicroAgentError
    ├── DeclarationError              a declaration is not valid: every problem, with its place
    │   └── ConflictError             one name, two definitions
    ├── LoadingError                  a source of declarations cannot be read, or must not be
    │   ├── UnreachableError          its server is away, and may be back later
    │   └── DriftError                it is not what was locked or pinned
    ├── HandlerError                  a decorated method cannot take what it would be given   (TypeError)
    ├── ScheduleError                 a period or cron spec that says nothing                 (ValueError)
    ├── ConfigurationError            a DSN, a backend or a settings module is wrong          (ValueError)
    ├── SerializingError              JSON cannot say it, or it does not fit its declaration  (ValueError)
    │   ├── SignalSerializingError    (also a SignalException)
    │   └── QueueSerializingError     (also a QueueException)
    ├── SignalException
    │   ├── SignalNotFound            no such signal is declared        (LookupError, AttributeError)
    │   └── CallError
    │       ├── NoReceivers           nobody listens to the signal that was called
    │       └── RemoteError           every handler that was called failed
    ├── QueueException
    │   └── QueueNotFound             no such queue is declared         (LookupError, AttributeError)
    └── BackendError
        ├── BackendConnectionError    the server is away                (ConnectionError)
        ├── AuthError                 the server refuses us, and will go on refusing
        └── UnroutableError           the server took a message that no queue takes

    ServerInterrupt                   raised by a ``server`` hook: stop this agent, all is well
    GroupInterrupt                    raised in the launcher: an agent ended, so its group ends
    ExtraMissing                      a backend is imported without its driver           (ModuleNotFoundError)
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from microagent.printable import printable

LONGEST_POINTER = 300  # characters in a message: keys may be of any length


class MicroAgentError(Exception):
    """What every error of this library is."""


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One thing that is wrong with a declaration, and where.

    ``line`` and ``column`` count from 1 and are None where the text is not at hand (an URL, a Python call).
    ``pointer`` is a JSON Pointer (RFC 6901), ``""`` for the document itself.
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
    """A declaration is not valid; ``problems`` holds all that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class ConflictError(DeclarationError):
    """One name is declared twice, differently; the message shows both definitions."""


class LoadingError(MicroAgentError):
    """A source of declarations cannot be read, or must not be; the message names it."""

    def __init__(self, source: str, reason: str) -> None:
        self.source = source
        self.reason = reason
        super().__init__(f"{printable(source)}: {reason}")


class UnreachableError(LoadingError):
    """The server of a source is away: no connection, no full answer in time, or one that says so (5xx, 408, 429)."""


class DriftError(LoadingError):
    """A source is not what a lock file or a digest says that it is."""


class HandlerError(MicroAgentError, TypeError):
    """A decorated method cannot take what it would be given, or two claim what only one can have."""


class ScheduleError(MicroAgentError, ValueError):
    """A period or a cron spec that names no moment."""


class ConfigurationError(MicroAgentError, ValueError):
    """A DSN, a backend's import path or a settings module is wrong."""


class SerializingError(MicroAgentError, ValueError):
    """A payload that JSON cannot say, bytes that are no JSON object, or a value that its declaration refuses."""


class SignalException(MicroAgentError):
    """Base signal exception."""


class SignalSerializingError(SignalException, SerializingError):
    """The payload of a signal cannot be written or read."""


class SignalNotFound(SignalException, LookupError, AttributeError):
    """No signal of this name is declared."""


class CallError(SignalException):
    """A call got no answer that is a value."""


class NoReceivers(CallError):
    """Nobody listens to the signal that was called."""


class RemoteError(CallError):
    """
    Every handler that was called failed.

    ``errors`` maps ``Class.method`` to ``"Type: text"``.
    """

    def __init__(self, message: str, errors: Mapping[str, str]) -> None:
        self.errors: dict[str, str] = dict(errors)
        super().__init__(message)


class QueueException(MicroAgentError):
    """Base queue exception."""


class QueueSerializingError(QueueException, SerializingError):
    """The message of a queue cannot be written or read."""


class QueueNotFound(QueueException, LookupError, AttributeError):
    """No queue of this name is declared."""


class BackendError(MicroAgentError):
    """A server, or the embedded store, did not do what it was asked."""


class BackendConnectionError(BackendError, ConnectionError):
    """The server is away; raised to a sender once its ``send_timeout`` has passed."""


class AuthError(BackendError):
    """The server refuses us (password, virtual host, permission), and trying again would not help."""


class UnroutableError(BackendError):
    """No queue takes the message: the exchange has none with such a routing key."""


class ServerInterrupt(Exception):
    """Raised by a ``server`` hook to stop its agent gracefully."""


class GroupInterrupt(Exception):
    """Raised in the launcher when an agent of a group has ended."""


class ExtraMissing(ModuleNotFoundError):
    """A module of ours needs a package that is not installed; the message says how to install it."""
