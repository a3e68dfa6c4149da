"""The decorators that turn methods of an agent into handlers, and the check of a class that has them."""

from collections.abc import Awaitable, Callable, Container, Iterator
from datetime import tzinfo
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from microagent.delivery import Delivery
from microagent.errors import HandlerError
from microagent.faces import TypedQueue
from microagent.marks import (
    ConsumerMark,
    CronMark,
    HookLabel,
    HookMark,
    Mark,
    MiddlewareMark,
    PeriodicMark,
    ReceiverMark,
    leave,
    marked,
    refuse_bare,
)
from microagent.middleware import CallNext, Run
from microagent.queue import Queue
from microagent.receiving import receiver
from microagent.retry import RetryPolicy
from microagent.schedule import Cron, Every
from microagent.signatures import (
    Given,
    check_async,
    check_handler,
    check_middleware,
    given_by_queue,
    given_by_signal,
)

__all__ = [
    "ConsumerMark",
    "CronMark",
    "HookLabel",
    "HookMark",
    "Mark",
    "MiddlewareMark",
    "PeriodicMark",
    "ReceiverMark",
    "check_class",
    "consumer",
    "cron",
    "marked",
    "middleware",
    "on",
    "periodic",
    "receiver",
]

P = ParamSpec("P")
Q = ParamSpec("Q")
A_co = TypeVar("A_co", bound=Awaitable[object], covariant=True)
A_contra = TypeVar("A_contra", bound=Awaitable[object], contravariant=True)
X_co = TypeVar("X_co", bound=Awaitable[object], covariant=True)
F = TypeVar("F", bound=Callable[..., Awaitable[object]])
TaskT = TypeVar("TaskT", bound=Callable[[Any], Awaitable[object]])
HookT = TypeVar("HookT", bound=Callable[[Any], object])
MiddlewareT = TypeVar("MiddlewareT", bound=Callable[[Any, Run, CallNext], Awaitable[object]])

QueueOf: TypeAlias = TypedQueue[Any, Callable[Concatenate[Any, P], A_co]]


class HandlerOfMessage(Protocol[P, A_co, Q, X_co]):
    """A method that takes a message, built as ``microagent.receiving`` explains."""

    @overload
    def __call__(self, agent: Any, /, *args: P.args, **kwargs: P.kwargs) -> A_co: ...
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> X_co: ...


class HandlerOfDelivery(Protocol[P, A_co, Q, X_co]):
    """A method that takes a message after its delivery."""

    @overload
    def __call__(self, agent: Any, delivery: Delivery, /, *args: P.args, **kwargs: P.kwargs) -> A_co: ...
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> X_co: ...


class Consumes(Protocol[P, A_contra]):
    """Accepts a consumer of a typed queue, with ``delivery`` as its first parameter after ``self`` or without."""

    @overload
    def __call__(self, method: HandlerOfDelivery[P, A_contra, Q, X_co], /) -> Callable[Q, X_co]: ...
    @overload
    def __call__(self, method: HandlerOfMessage[P, A_contra, Q, X_co], /) -> Callable[Q, X_co]: ...


@overload
def consumer(  # pyright: ignore[reportOverlappingOverload] - a TypedQueue is a Queue too, the first that fits counts
    queue: QueueOf[P, A_co],
    timeout: float = 60,
    dto_class: None = None,
    dto_name: None = None,
    *,
    concurrency: int = 10,
    prefetch: int | None = None,
    autoack: bool = True,
    retry: RetryPolicy = ...,
    **options: Any,
) -> Consumes[P, A_co]: ...
@overload
def consumer(
    queue: Queue,
    timeout: float = 60,
    dto_class: type | None = None,
    dto_name: str | None = None,
    *,
    concurrency: int = 10,
    prefetch: int | None = None,
    autoack: bool = True,
    retry: RetryPolicy = ...,
    **options: Any,
) -> Callable[[F], F]: ...
def consumer(
    queue: Queue, timeout: float = 60, dto_class: type | None = None, dto_name: str | None = None, **options: Any
) -> Any:
    """
    Bind a method to the messages of a queue; only one method of an agent can be bound to one queue.

    The method gets the keys of the message, and ``delivery`` (on RabbitMQ also ``amqp``, on Kafka ``kafka``) if it
    names it. For type checkers, ``delivery`` is the first parameter after ``self`` or has a default.

    :param timeout: seconds that one run may take
    :param dto_class: called with the keys of the message; the method gets the result in their place
    :param dto_name: the parameter that takes this result, ``dto`` by default
    :param concurrency: handlers that run at once, 10 by default
    :param prefetch: most messages held at once, running ones included; by default found from how quick the handler is
    :param autoack: False: the method names ``delivery`` and settles it, what it leaves unsettled is retried
    :param retry: when a failed message comes again; the broker's own policy by default
    :param options: the broker's own, such as ``group`` and ``order`` on Kafka
    :raises HandlerError: if ``queue`` is no queue, an option makes no sense, or the ``dto_...`` say nothing
    """
    refuse_bare("@consumer(queue)", queue)
    return leave(ConsumerMark(queue, timeout, dto_class, dto_name, options))


def periodic(period: float, timeout: float = 1, start_after: float = 0) -> Callable[[TaskT], TaskT]:
    """
    Run a method again and again; runs that overlap are independent.

    :param period: seconds from the start of one run to the start of the next
    :param timeout: seconds that one run may take
    :param start_after: seconds to the first run
    :raises ScheduleError: if ``period`` or ``start_after`` is no such time
    """
    refuse_bare("@periodic(period)", period)
    return leave(PeriodicMark(Every(period), timeout, start_after))


def cron(spec: str, timeout: float = 1, tz: str | tzinfo | None = None) -> Callable[[TaskT], TaskT]:
    """
    Run a method by a cron schedule.

    :param spec: five fields (``"*/15 * * * *"``; 0 and 7 are Sunday), or an alias such as ``"@daily"``
    :param timeout: seconds that one run may take
    :param tz: the zone whose clocks the schedule speaks of (``"Europe/Berlin"``), UTC by default
    :raises ScheduleError: if ``spec`` names no moment
    """
    refuse_bare("@cron(spec)", spec)
    return leave(CronMark(Cron(spec, tz), timeout))


def on(label: HookLabel) -> Callable[[HookT], HookT]:
    """
    Run a method at a moment of its agent's life: ``pre_start``, ``post_start`` or ``pre_stop``; a ``server`` runs on.

    Hooks are plain or async; a server is async, and ``raise ServerInterrupt`` stops its agent.

    :raises HandlerError: if there is no such moment
    """
    refuse_bare("@on(moment)", label)
    return leave(HookMark(label))


def middleware(method: MiddlewareT) -> MiddlewareT:
    """
    Run a method around each run of the agent's receivers, consumers, periodic and cron tasks::

        @middleware
        async def trace(self, run: Run, call_next: CallNext) -> Any:
            with tracer.start_as_current_span(run.handler):
                return await call_next()

    It returns what ``call_next()`` gave, and raises what that raised, or else decides otherwise what the run has come
    to. Several run in the order of their definition, those of base classes outermost.
    """
    return leave(MiddlewareMark())(method)


def check_class(cls: type, taken: Container[str] = ()) -> None:
    """
    Refuse a class whose handlers could not run.

    :param taken: names that no handler can have
    :raises HandlerError: if a method cannot take what it would be given, two methods consume one queue, or one would
        take the place of something else
    """
    consumers: dict[str, str] = {}
    for name, mark in marked(cls):
        title = f"{cls.__name__}.{name}"
        if name in taken:
            raise HandlerError(f"{title} would take the place of what every agent has as {name!r}: call it otherwise")
        _check_method(_found(cls, name), title, mark)
        if isinstance(mark, ConsumerMark):
            _claim(consumers, mark.queue.name, title)


def _found(cls: type, name: str) -> Any:
    """What the class has under this name, as it was written, without binding it."""
    return next(vars(klass)[name] for klass in cls.__mro__ if name in vars(klass))


def _check_method(method: Any, title: str, mark: Mark) -> None:
    if not callable(method) or isinstance(method, staticmethod):
        raise HandlerError(f"{title} must be a plain method to be a handler")
    if not isinstance(mark, HookMark) or mark.label == "server":
        check_async(method, title)
    if isinstance(mark, MiddlewareMark):
        check_middleware(method, title)
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
        case MiddlewareMark():
            pass


def _claim(consumers: dict[str, str], queue: str, title: str) -> None:
    if queue in consumers:
        both = f"{consumers[queue]} and {title}"
        raise HandlerError(f"{both} consume queue '{queue}': only one handler can be bound to one queue")
    consumers[queue] = title
