"""The marks that decorators leave on methods, and how they are collected from a class."""

import keyword
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Literal, TypeAlias, TypeVar, get_args

from microagent.errors import HandlerError, ScheduleError
from microagent.names import guess
from microagent.options import option_problems
from microagent.queue import Queue
from microagent.schedule import Cron, Every
from microagent.signal import Signal
from microagent.signatures import ON_REQUEST

HookLabel: TypeAlias = Literal["pre_start", "post_start", "pre_stop", "server"]
AnyT = TypeVar("AnyT", bound=Callable[..., Any])

LABELS: tuple[HookLabel, ...] = get_args(HookLabel)
_MARKS = "__microagent_marks__"

# Agents may be written without a type checker, so marks look at what they are given.
# pyright: reportUnnecessaryIsInstance=false, reportUnnecessaryContains=false


@dataclass(frozen=True, slots=True)
class ReceiverMark:
    """The method receives these signals; ``timeout`` in seconds."""

    signals: tuple[Signal, ...]
    timeout: float

    def __post_init__(self) -> None:
        for signal in self.signals:
            if not isinstance(signal, Signal):
                raise HandlerError(f"a receiver takes signals, not {signal!r}")
        if not self.signals or len(set(self.signals)) < len(self.signals):
            raise HandlerError("a receiver takes one or more signals, each of them once")
        _check_timeout(self.timeout)


@dataclass(frozen=True, slots=True)
class ConsumerMark:
    """The method consumes this queue; ``options`` are for the broker."""

    queue: Queue
    timeout: float
    dto_class: type | None = None
    dto_name: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        if not isinstance(self.queue, Queue):
            raise HandlerError(f"a consumer takes a queue, not {self.queue!r}")
        if self.dto_class is not None and not callable(self.dto_class):
            raise HandlerError(f"dto_class of queue '{self.queue.name}' is a class, not {self.dto_class!r}")
        if self.dto_name is not None and self.dto_class is None:
            raise HandlerError(
                f"dto_name {self.dto_name!r} of queue '{self.queue.name}' says nothing without dto_class"
            )
        if self.dto_name is not None and (not _is_argument(self.dto_name) or self.dto_name in ON_REQUEST):
            wanted = f"the name of a parameter, and none of {', '.join(sorted(ON_REQUEST))}"
            raise HandlerError(f"dto_name {self.dto_name!r} of queue '{self.queue.name}' has to be {wanted}")
        for problem in option_problems(self.options):
            raise HandlerError(f"consumer of queue '{self.queue.name}': {problem}")
        _check_timeout(self.timeout)


@dataclass(frozen=True, slots=True)
class PeriodicMark:
    """The method runs once per period, the first time ``start_after`` seconds after the start."""

    schedule: Every
    timeout: float
    start_after: float = 0

    def __post_init__(self) -> None:
        _check_timeout(self.timeout)
        if not _is_number(self.start_after) or self.start_after < 0:
            raise ScheduleError(f"start_after is a number of seconds, 0 or more, not {self.start_after!r}")


@dataclass(frozen=True, slots=True)
class CronMark:
    """The method runs on a cron schedule."""

    schedule: Cron
    timeout: float

    def __post_init__(self) -> None:
        _check_timeout(self.timeout)


@dataclass(frozen=True, slots=True)
class HookMark:
    """The method is a hook of its agent, or a server."""

    label: HookLabel

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            hint = guess(str(self.label), LABELS) or f": there are {', '.join(LABELS)}"
            raise HandlerError(f"no hook {self.label!r}{hint}")


@dataclass(frozen=True, slots=True)
class MiddlewareMark:
    """The method runs around the handlers of its agent."""


Mark: TypeAlias = ReceiverMark | ConsumerMark | PeriodicMark | CronMark | HookMark | MiddlewareMark


def refuse_bare(form: str, argument: object) -> None:
    """
    :param form: how the decorator is written: ``"@on(moment)"``
    :param argument: its first one
    :raises HandlerError: if that is the method, because the decorator stands above it without any
    """
    if isinstance(argument, FunctionType):
        raise HandlerError(f"{form} is written with its arguments, not bare above {argument.__qualname__}")


def leave(mark: Mark) -> Callable[[AnyT], AnyT]:
    """A decorator that adds ``mark`` to a method, before its other marks: the topmost decorator comes first."""

    def decorate(method: AnyT) -> AnyT:
        if _function(method) is not method or isinstance(method, type):
            raise HandlerError(f"{_named(method)} must be a plain method to be a handler")
        vars(method)[_MARKS] = (mark, *_marks_on(method))
        return method

    return decorate


def marked(cls: type) -> list[tuple[str, Mark]]:
    """
    The names of the decorated methods of a class with their marks, in order of definition, bases first.

    The nearest class in the MRO that decorates a method decides. An override without a decorator keeps the marks;
    ``name = None`` removes the handler.
    """
    names = dict.fromkeys(name for klass in reversed(cls.__mro__) for name in vars(klass))
    return [(name, mark) for name in names for mark in _nearest_marks(cls, name)]


def _nearest_marks(cls: type, name: str) -> tuple[Mark, ...]:
    for klass in cls.__mro__:
        attribute = vars(klass).get(name, ...)
        if attribute is None:
            return ()
        if marks := _marks_on(attribute):
            return marks
    return ()


def _marks_on(attribute: object) -> tuple[Mark, ...]:
    marks: tuple[Mark, ...] = getattr(_function(attribute), "__dict__", {}).get(_MARKS, ())
    return marks


def _function(attribute: object) -> object:
    """A function, or the one that a ``staticmethod``, a ``classmethod`` or a ``property`` holds."""
    return getattr(attribute, "__func__", getattr(attribute, "fget", attribute))


def _named(attribute: object) -> str:
    return getattr(_function(attribute), "__qualname__", repr(attribute))


def _check_timeout(timeout: float) -> None:
    if not _is_number(timeout) or timeout <= 0:
        raise HandlerError(f"timeout is a number of seconds above 0, not {timeout!r}")


def _is_argument(name: object) -> bool:
    return isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
