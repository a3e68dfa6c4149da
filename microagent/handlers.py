"""The decorators for methods of an agent, and the check of a class that uses them."""

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
    """A method that takes a message; ``microagent.receiving`` explains how these protocols are built."""

    @overload
    def __call__(self, agent: Any, /, *args: P.args, **kwargs: P.kwargs) -> A_co: ...
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> X_co: ...


class HandlerOfDelivery(Protocol[P, A_co, Q, X_co]):
    """A method that takes the delivery and then the message."""

    @overload
    def __call__(self, agent: Any, delivery: Delivery, /, *args: P.args, **kwargs: P.kwargs) -> A_co: ...
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> X_co: ...


class Consumes(Protocol[P, A_contra]):
    """The decorator for a typed queue; ``delivery`` may be the first parameter after ``self``."""

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
    Make a method the consumer of a queue; a queue has one consumer per agent::

        @consumer(queues.mailer, timeout=30, concurrency=4)
        async def deliver(self, text: str, email: str) -> None: ...

    The method is called with the keys of the message as keyword arguments. A parameter named ``delivery`` gets the
    :class:`Delivery`, ``amqp`` or ``kafka`` the driver's message on RabbitMQ or Kafka. For type checkers, ``delivery``
    has to be the first parameter after ``self``, or have a default.

    :param queue: a declared queue
    :param timeout: seconds that one run may take; then it is cancelled, and the message retried
    :param dto_class: called with the keys of the message; the method gets the result instead of the keys
    :param dto_name: the parameter that gets this result; default: ``dto``
    :param concurrency: number of messages handled at once
    :param prefetch: most messages held at once, running ones included; default: adapted to how fast the handler is
    :param autoack: False: the method settles the ``delivery`` itself; what it leaves unsettled is retried
    :param retry: when a message whose handler failed comes again; default: the broker's policy
    :param options: options of the broker, such as ``group`` and ``order`` on Kafka
    :raises HandlerError: if ``queue`` is no queue, an option makes no sense, or the ``dto_...`` say nothing
    """
    refuse_bare("@consumer(queue)", queue)
    return leave(ConsumerMark(queue, timeout, dto_class, dto_name, options))


def periodic(period: float, timeout: float = 1, start_after: float = 0) -> Callable[[TaskT], TaskT]:
    """
    Run a method periodically::

        @periodic(period=60, timeout=10)
        async def report(self) -> None: ...

    Runs start on schedule, whether the previous one has ended or not.

    :param period: seconds from the start of one run to the start of the next
    :param timeout: seconds that one run may take; then it is cancelled
    :param start_after: seconds from the start of the agent to the first run
    :raises ScheduleError: if ``period`` or ``start_after`` is not such a number
    """
    refuse_bare("@periodic(period)", period)
    return leave(PeriodicMark(Every(period), timeout, start_after))


def cron(spec: str, timeout: float = 1, tz: str | tzinfo | None = None) -> Callable[[TaskT], TaskT]:
    """
    Run a method on a cron schedule::

        @cron("0 9 * * mon-fri", timeout=60, tz="Europe/Berlin")
        async def report(self) -> None: ...

    :param spec: five fields (minute, hour, day of month, month, day of week; 0 and 7 are Sunday), or an alias such as
        ``"@daily"``; :class:`microagent.schedule.Cron` has the details
    :param timeout: seconds that one run may take; then it is cancelled
    :param tz: time zone of the schedule, a name or a tzinfo; default: UTC
    :raises ScheduleError: if ``spec`` is invalid or never comes due, or the time zone is unknown
    """
    refuse_bare("@cron(spec)", spec)
    return leave(CronMark(Cron(spec, tz), timeout))


def on(label: HookLabel) -> Callable[[HookT], HookT]:
    """
    Make a method a hook of its agent, or a server::

        @on("pre_start")
        async def connect(self) -> None: ...

    Hooks can be plain or async methods. ``pre_start`` runs before anything is bound, ``post_start`` when everything is
    bound, ``pre_stop`` when the agent is asked to stop, while bus and broker still work. A ``server`` is an async
    method that runs as long as the agent, which it can stop with ``raise ServerInterrupt``.

    :param label: ``"pre_start"``, ``"post_start"``, ``"pre_stop"`` or ``"server"``
    :raises HandlerError: if it is something else
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
    Check the handlers of a class.

    :param taken: names that handlers cannot have
    :raises HandlerError: if a handler cannot be called with what it will get, has a name that is taken, or consumes the
        same queue as another one
    """
    consumers: dict[str, str] = {}
    for name, mark in marked(cls):
        title = f"{cls.__name__}.{name}"
        if name in taken:
            raise HandlerError(f"{title} would hide the attribute {name!r} that every agent has: give it another name")
        _check_method(_found(cls, name), title, mark)
        if isinstance(mark, ConsumerMark):
            _claim(consumers, mark.queue.name, title)


def _found(cls: type, name: str) -> Any:
    """The attribute of the class as it was defined, not bound."""
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
