"""Marks on methods."""

import functools
from collections.abc import Awaitable, Callable
from dataclasses import FrozenInstanceError
from typing import Any
from uuid import uuid4

import pytest

from microagent.errors import HandlerError, ScheduleError
from microagent.marks import (
    ConsumerMark,
    CronMark,
    HookMark,
    Mark,
    PeriodicMark,
    ReceiverMark,
    leave,
    marked,
)
from microagent.queue import Queue
from microagent.schedule import Cron, Every
from microagent.signal import Signal

START, STOP = HookMark("pre_start"), HookMark("pre_stop")
Method = Callable[..., Awaitable[Any]]


def unique(kind: str) -> str:
    return f"{kind}_{uuid4().hex}"


def names(cls: type) -> list[str]:
    return [name for name, _ in marked(cls)]


class Base:
    @leave(START)
    async def first(self) -> str:
        return "base"

    async def plain(self) -> None: ...

    @leave(STOP)
    async def second(self) -> None: ...


def test_marks_are_collected_in_order_of_definition() -> None:
    """A class has its marked methods in the order in which they are written, and no others."""
    assert marked(Base) == [("first", START), ("second", STOP)]


def test_bases_come_first() -> None:
    """What a subclass adds comes after what its bases have."""

    class Derived(Base):
        @leave(STOP)
        async def added(self) -> None: ...

    assert names(Derived) == ["first", "second", "added"]


def test_an_override_without_decorator_keeps_the_marks() -> None:
    """Overriding a decorated method overrides its handler: the same marks, once, in the same place."""

    class Derived(Base):
        async def first(self) -> str:
            return "derived"

    assert marked(Derived) == [("first", START), ("second", STOP)]


def test_an_override_with_decorator_has_its_own_marks_alone() -> None:
    """A subclass that decorates a method again has it once, with the new marks."""

    class Derived(Base):
        @leave(STOP)
        async def first(self) -> str:
            return "derived"

    assert marked(Derived) == [("first", STOP), ("second", STOP)]
    assert marked(Base)[0] == ("first", START)


def test_none_removes_a_handler() -> None:
    """``name = None`` in a subclass takes the handler away; a subclass of that one may bring it back."""

    class Without(Base):
        first = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType] - what is tested

    class Again(Without):
        @leave(STOP)
        async def first(self) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride] - see above
            return "again"

    assert names(Without) == ["second"]
    assert marked(Again) == [("first", STOP), ("second", STOP)]


def test_the_nearest_class_decides() -> None:
    """With several bases, the first in the order of resolution whose method is decorated has the say."""

    class Left(Base):
        async def first(self) -> str:
            return "left"

    class Right(Base):
        @leave(STOP)
        async def first(self) -> str:
            return "right"

    class Both(Left, Right):
        pass

    assert marked(Both) == [("first", STOP), ("second", STOP)]


def test_decorators_stack() -> None:
    """A method with several decorators has all their marks, read from above."""

    class Stacked:
        @leave(START)
        @leave(STOP)
        async def both(self) -> None: ...

    assert marked(Stacked) == [("both", START), ("both", STOP)]


def test_decorating_returns_the_method_itself() -> None:
    """A decorated method is the function that was written: it can be called as ever."""

    async def method(self: Any) -> None: ...

    assert leave(START)(method) is method


def test_marks_survive_a_wrapper() -> None:
    """A decorator above ours that uses ``functools.wraps`` keeps the marks, and adds none to what it wraps."""

    def logged(method: Method) -> Method:
        @functools.wraps(method)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            return await method(*args, **kwargs)

        return wrapper

    @leave(START)
    async def method(self: Any) -> None: ...

    class Wrapped:
        outside = leave(STOP)(logged(method))
        inside = method

    assert marked(Wrapped) == [("outside", STOP), ("outside", START), ("inside", START)]


def test_other_attributes_are_no_handlers() -> None:
    """Properties, constants, nested classes and objects without ``__dict__`` are left alone."""

    class Other:
        number = 1
        text = "x"
        nested = Base
        slot = object()

        @property
        def prop(self) -> int:
            return 1

    assert marked(Other) == []


def test_marks_do_not_change() -> None:
    """A mark says what its decorator said, for good."""
    with pytest.raises(FrozenInstanceError):
        START.label = "server"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] - what is tested


@pytest.mark.parametrize("timeout", [0, -1, "5", None, True, float("nan"), float("inf")])
@pytest.mark.parametrize("kind", ["receiver", "consumer", "periodic", "cron"])
def test_a_timeout_is_a_number_of_seconds_above_0(kind: str, timeout: Any) -> None:
    """Any other timeout is refused where it is written."""
    signal, queue = Signal(unique("sig")), Queue(unique("queue"))
    marks: dict[str, Callable[[], Mark]] = {
        "receiver": lambda: ReceiverMark((signal,), timeout),
        "consumer": lambda: ConsumerMark(queue, timeout),
        "periodic": lambda: PeriodicMark(Every(1), timeout),
        "cron": lambda: CronMark(Cron("* * * * *"), timeout),
    }

    with pytest.raises(HandlerError, match="timeout is a number of seconds above 0, not "):
        marks[kind]()


@pytest.mark.parametrize("start_after", [-1, "5", None, True, float("nan"), float("inf")])
def test_start_after_is_a_number_of_seconds(start_after: Any) -> None:
    """Any other delay of the first run is refused where it is written."""
    with pytest.raises(ScheduleError, match="start_after is a number of seconds, 0 or more, not "):
        PeriodicMark(Every(1), 1, start_after)


def test_a_receiver_takes_signals() -> None:
    """No signal, the same one twice, and what is no signal are refused with a sentence that says so."""
    signal, queue, untyped = Signal(unique("sig")), Queue(unique("queue")), ReceiverMark.__call__

    with pytest.raises(HandlerError, match="a receiver takes one or more signals, each of them once"):
        ReceiverMark((), 1)
    with pytest.raises(HandlerError, match="a receiver takes one or more signals, each of them once"):
        ReceiverMark((signal, signal), 1)
    for wrong in (queue, "user_created", untyped):
        with pytest.raises(HandlerError, match="a receiver takes signals, not "):
            ReceiverMark((signal, wrong), 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - what is tested


def test_a_consumer_takes_a_queue() -> None:
    """What is no queue, a ``dto_class`` that cannot be called and a ``dto_name`` for nothing are refused."""
    wrong: Any = Signal(unique("sig"))
    text: Any = "Mail"
    queue = Queue(unique("queue"))

    with pytest.raises(HandlerError, match="a consumer takes a queue, not Signal"):
        ConsumerMark(wrong, 1)
    with pytest.raises(HandlerError, match=f"dto_class of queue '{queue.name}' is a class, not 'Mail'"):
        ConsumerMark(queue, 1, dto_class=text)
    with pytest.raises(HandlerError, match=f"dto_name 'mail' of queue '{queue.name}' says nothing without dto_class"):
        ConsumerMark(queue, 1, dto_name="mail")


@pytest.mark.parametrize("name", ["", "class", "two words", 7, "delivery", "kafka"])
def test_a_dto_has_the_name_of_a_parameter(name: Any) -> None:
    """Which no handler could take it under, or has something else under, is refused where it is written."""
    queue = Queue(unique("queue"))

    with pytest.raises(HandlerError, match=f"dto_name {name!r} of queue '{queue.name}' has to be the name of a param"):
        ConsumerMark(queue, 1, dto_class=dict, dto_name=name)


@pytest.mark.parametrize("options", [{"concurrency": 0}, {"prefetch": "many"}, {"autoack": 1}, {"retry": 3}])
def test_an_option_that_makes_no_sense_is_told_where_it_is_written(options: dict[str, Any]) -> None:
    """
    By the decorator, and not when the agent starts.
    """
    ((name, value),) = options.items()
    queue = Queue(unique("queue"))

    with pytest.raises(HandlerError, match=f"^consumer of queue '{queue.name}': {name}={value!r} has to be "):
        ConsumerMark(queue, 60, options=options)


def test_a_hook_has_one_of_four_names() -> None:
    """Another label is refused, with a guess where there is one."""
    close: Any = "prestart"
    far: Any = "x"

    with pytest.raises(HandlerError, match=r"^no hook 'prestart', did you mean 'pre_start'\?$"):
        HookMark(close)
    with pytest.raises(HandlerError, match="no hook 'x': there are pre_start, post_start, pre_stop, server"):
        HookMark(far)
