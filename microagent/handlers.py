"""The decorators that turn methods of an agent into handlers: each leaves a mark, and the class collects them."""

import math
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar, get_args

from microagent.errors import HandlerError, ScheduleError
from microagent.queue import Queue
from microagent.schedule import Cron, Every
from microagent.signal import Signal
from microagent.signatures import Given, check_async, check_handler, given_by_queue, given_by_signal

HookLabel: TypeAlias = Literal["pre_start", "post_start", "pre_stop", "server"]
LABELS: tuple[HookLabel, ...] = get_args(HookLabel)
MARKS = "__microagent_marks__"

F = TypeVar("F", bound=Callable[..., Awaitable[object]])
TaskT = TypeVar("TaskT", bound=Callable[[Any], Awaitable[object]])
HookT = TypeVar("HookT", bound=Callable[[Any], object])
AnyT = TypeVar("AnyT", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class ReceiverMark:
    """This method receives ``signals``; ``timeout`` in seconds."""

    signals: tuple[Signal, ...]
    timeout: float


@dataclass(frozen=True, slots=True)
class ConsumerMark:
    """This method consumes ``queue``; ``options`` are for the broker."""

    queue: Queue
    timeout: float
    dto_class: Callable[..., Any] | None = None
    dto_name: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class PeriodicMark:
    """This method runs every period, first after ``start_after`` seconds."""

    schedule: Every
    timeout: float
    start_after: float


@dataclass(frozen=True, slots=True)
class CronMark:
    """This method runs at the moments of ``schedule``."""

    schedule: Cron
    timeout: float


@dataclass(frozen=True, slots=True)
class HookMark:
    """This method is a hook, or a server, of its agent."""

    label: HookLabel


Mark: TypeAlias = ReceiverMark | ConsumerMark | PeriodicMark | CronMark | HookMark


def receiver(*signals: Signal, timeout: float = 60) -> Callable[[F], F]:
    """
    Bind a method to signals; many methods may receive the same one.

    ``signal`` and ``sender`` come with the arguments of the signal.

    :param timeout: seconds that one run may take
    :raises HandlerError: if there is no signal, or something else than one
    """
    if not signals or len(set(map(id, signals))) < len(signals):
        raise HandlerError("receiver() takes one or more signals, each of them once")
    for signal in signals:
        if not isinstance(signal, Signal):
            raise HandlerError(f"receiver() takes signals, not {signal!r}")
    return _leave(ReceiverMark(signals, _timeout("receiver", timeout)))


def consumer(
    queue: Queue,
    timeout: float = 60,
    dto_class: Callable[..., Any] | None = None,
    dto_name: str | None = None,
    **options: Any,
) -> Callable[[F], F]:
    """
    Bind a method to the messages of a queue; only one method of an agent can have a queue.

    The handler gets the keys of the message, and ``delivery`` (on RabbitMQ also ``amqp``, on Kafka ``kafka``) if it
    names it.

    :param timeout: seconds that one run may take
    :param dto_class: called with the keys of the message; the handler gets the result instead of them
    :param dto_name: the argument that takes this result, ``dto`` by default
    :param options: for the broker (``concurrency``, ``autoack``, ...)
    :raises HandlerError: if ``queue`` is none, or ``dto_name`` no name
    """
    if not isinstance(queue, Queue):
        raise HandlerError(f"consumer() takes a queue, not {queue!r}")
    if dto_class is not None and not callable(dto_class):
        raise HandlerError(f"consumer({queue.name}): dto_class is to be a class, not {dto_class!r}")
    if dto_name is not None and dto_class is None:
        raise HandlerError(f"consumer({queue.name}): dto_name {dto_name!r} without a dto_class")
    return _leave(ConsumerMark(queue, _timeout("consumer", timeout), dto_class, dto_name, options))


def periodic(period: float, timeout: float = 1, start_after: float = 0) -> Callable[[TaskT], TaskT]:
    """
    Run a method again and again; runs that overlap are independent.

    :param period: seconds from one start to the next
    :param timeout: seconds that one run may take
    :param start_after: seconds before the first run
    :raises ScheduleError: if ``period`` or ``start_after`` is no such time
    """
    if not _is_number(start_after) or start_after < 0:
        raise ScheduleError(f"start_after is to be 0 or more seconds, not {start_after!r}")
    return _leave(PeriodicMark(Every(period), _timeout("periodic", timeout), start_after))


def cron(spec: str, timeout: float = 1, tz: str | None = None) -> Callable[[TaskT], TaskT]:
    """
    Run a method by a cron schedule.

    :param spec: five fields (``"*/15 * * * *"``; 0 and 7 are Sunday) or an alias such as ``"@daily"``
    :param timeout: seconds that one run may take
    :param tz: IANA name of the time zone, UTC by default
    :raises ScheduleError: if ``spec`` names no moment
    """
    return _leave(CronMark(Cron(spec, tz), _timeout("cron", timeout)))


def on(label: HookLabel) -> Callable[[HookT], HookT]:
    """
    Run a method at a moment of its agent's life (``pre_start``, ``post_start``, ``pre_stop``) or for all of it (``server``).

    Hooks may be plain or async; a server is async and ends with ``raise ServerInterrupt``.

    :raises HandlerError: if there is no such moment
    """
    if label not in LABELS:
        raise HandlerError(f"on({label!r}): no such hook, there are {', '.join(LABELS)}")
    return _leave(HookMark(label))


def marked(cls: type) -> list[tuple[str, Mark]]:
    """
    The handlers of a class: names of methods with their marks, in order of definition, bases first.

    The nearest class that marks a method decides. A method that overrides it without a decorator is the same handler
    with another body; ``name = None`` removes it.
    """
    names = dict.fromkeys(name for klass in reversed(cls.__mro__) for name in vars(klass))
    return [(name, mark) for name in names for mark in _marks(cls, name)]


def check_class(cls: type) -> None:
    """
    Refuse a class whose handlers could not run.

    :raises HandlerError: if a method cannot take what it would be given, or two claim what only one can have
    """
    owners: dict[str, str] = {}
    for name, mark in marked(cls):
        title = f"{cls.__name__}.{name}"
        _check_method(cls, name, title, mark)
        if isinstance(mark, ConsumerMark):
            _claim(owners, mark.queue, title)


def _leave(mark: Mark) -> Callable[[AnyT], AnyT]:
    def decorate(method: AnyT) -> AnyT:
        vars(method)[MARKS] = (mark, *_own_marks(method))
        return method

    return decorate


def _own_marks(attribute: object) -> tuple[Mark, ...]:
    return getattr(getattr(attribute, "__func__", attribute), MARKS, ())


def _marks(cls: type, name: str) -> tuple[Mark, ...]:
    for klass in cls.__mro__:
        attribute = vars(klass).get(name, ...)
        if attribute is None:
            return ()
        if marks := _own_marks(attribute):
            return marks
    return ()


def _check_method(cls: type, name: str, title: str, mark: Mark) -> None:
    method = next(vars(klass)[name] for klass in cls.__mro__ if name in vars(klass))
    if not callable(method) or isinstance(method, staticmethod):
        raise HandlerError(f"{title} must be a plain method to be a handler")
    if not isinstance(mark, HookMark) or mark.label == "server":
        check_async(method, title)
    for given in _given(mark):
        check_handler(method, title, given)


def _given(mark: Mark) -> Iterator[Given]:
    match mark:
        case ReceiverMark():
            yield from map(given_by_signal, mark.signals)
        case ConsumerMark():
            yield given_by_queue(mark.queue, (mark.dto_name or "dto") if mark.dto_class else None)
        case PeriodicMark() | CronMark():
            yield Given("a timer")
        case HookMark():
            yield Given(f"hook '{mark.label}'")


def _claim(owners: dict[str, str], queue: Queue, title: str) -> None:
    if queue.name in owners:
        both = f"{owners[queue.name]} and {title}"
        raise HandlerError(f"{both} consume queue '{queue.name}', and only one handler can be bound to one queue")
    owners[queue.name] = title


def _timeout(decorator: str, timeout: float) -> float:
    if not _is_number(timeout) or timeout <= 0:
        raise HandlerError(f"{decorator}(): timeout is to be a positive number of seconds, not {timeout!r}")
    return timeout


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
