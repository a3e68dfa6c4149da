"""The names that declarations may have, and names in messages."""

import difflib
import hashlib
import keyword
import re
from collections.abc import Iterable
from unicodedata import normalize

NAME = re.compile(r"[a-z][a-z0-9_]*")
CLASS_NAME = re.compile(r"[A-Z][A-Za-z0-9_]*")
_LONG = 60  # characters of a foreign word in a message

RESERVED_SIGNALS = frozenset(
    {
        "send", "bind", "bind_receiver", "call", "receiver", "receivers",
        "close", "dsn", "uid", "prefix", "log", "response",
    }
)  # fmt: skip
RESERVED_QUEUES = frozenset(
    {
        "send", "bind", "bind_consumer", "queue_length", "close", "dead", "dsn", "uid", "log",
        "declare_queue", "get_channel", "putout",
    }
)  # fmt: skip
RESERVED_ARGUMENTS = frozenset({"self", "signal", "sender", "timeout"})
_BUILTIN_CLASSES = frozenset(
    """
    ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError BrokenPipeError
    BufferError BytesWarning ChildProcessError ConnectionAbortedError ConnectionError ConnectionRefusedError
    ConnectionResetError DeprecationWarning EOFError Ellipsis EncodingWarning EnvironmentError Exception ExceptionGroup
    FileExistsError FileNotFoundError FloatingPointError FutureWarning GeneratorExit IOError ImportError ImportWarning
    IndentationError IndexError InterruptedError IsADirectoryError KeyError KeyboardInterrupt LookupError MemoryError
    ModuleNotFoundError NameError NotADirectoryError NotImplemented NotImplementedError OSError OverflowError
    PendingDeprecationWarning PermissionError ProcessLookupError RecursionError ReferenceError ResourceWarning
    RuntimeError RuntimeWarning StopAsyncIteration StopIteration SyntaxError SyntaxWarning SystemError SystemExit
    TabError TimeoutError TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError
    UnicodeTranslateError UnicodeWarning UserWarning ValueError Warning ZeroDivisionError
    """.split()  # noqa: SIM905 - a list to read
)
_PACKAGE_CLASSES = frozenset({"Agent", "Broker", "Bus", "Queues", "Signals"})
RESERVED_CLASSES = _PACKAGE_CLASSES | _BUILTIN_CLASSES | {"False", "None", "True"}
"""Class names that are never generated: exports of every package, keywords, and builtins of Python 3.11."""


def signal_name_problem(name: str) -> str | None:
    """Why this is not a valid name of a signal; None if it is."""
    return _name_problem(name, RESERVED_SIGNALS, "the bus")


def queue_name_problem(name: str) -> str | None:
    """Why this is not a valid name of a queue; None if it is."""
    return _name_problem(name, RESERVED_QUEUES, "the broker")


def argument_problem(name: str) -> str | None:
    """Why this is not a valid name of an argument; None if it is."""
    if not name.isidentifier() or keyword.iskeyword(name):
        return f"{shown(name)} cannot be the name of an argument: Python does not allow it as the name of a parameter"
    if (read := normalize("NFKC", name)) != name:
        return f"{shown(name)} cannot be the name of an argument: Python reads it as {shown(read)}"
    if name in RESERVED_ARGUMENTS:
        return f"{name!r} cannot be the name of an argument: handlers are passed something else by this name"
    return None


def class_name_problem(name: str) -> str | None:
    """Why this is not a valid ``class_name``; None if it is."""
    if not CLASS_NAME.fullmatch(name) or keyword.iskeyword(name):
        return f"{shown(name)} is not a valid class name: use letters, digits and _, beginning with a capital letter"
    if name in RESERVED_CLASSES:
        return f"{name!r} cannot be the name of a class: Python or the generated package uses it already"
    return None


def camel_case(text: str) -> str:
    """A text in camel case: ``UserId`` for ``user-id``; empty if it has no letters or digits."""
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[\W_]+", normalize("NFKC", text)))


def digest(text: str) -> str:
    """A short digest of a text: eight hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def guess(word: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """
    The end of a message about an unknown word: ``", did you mean 'number'?"``, or empty if no known word is similar.

    :param likeness: the least similarity, from 0 to 1, as :mod:`difflib` measures it
    """
    close = difflib.get_close_matches(word[:100], sorted(known), n=1, cutoff=likeness)
    return f", did you mean {close[0]!r}?" if close else ""


def snake(name: str) -> str:
    """A text in snake case: ``user_signed_up`` for ``userSignedUp`` and ``user/signed-up``."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


def shown(word: str) -> str:
    """A foreign word for a message: quoted, escaped, and cut if it is long."""
    return ascii(word) if len(word) <= _LONG else f"{word[:_LONG]!a}..."


def _name_problem(name: str, reserved: frozenset[str], owner: str) -> str | None:
    if not NAME.fullmatch(name):
        example = snake(name)
        such_as = f", such as {example!r}" if NAME.fullmatch(example) and len(example) < _LONG else ""
        return f"{shown(name)} is not a valid name: use a-z, 0-9 and _, beginning with a letter{such_as}"
    if keyword.iskeyword(name):
        return f"{name!r} is a Python keyword and cannot be a name"
    if name in reserved:
        return f"{name!r} is reserved: {owner} has an attribute of this name"
    return None
