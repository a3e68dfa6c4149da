"""Decorators of handlers, and the check of a class that has them."""

import inspect
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from microagent import MicroAgent, Queue, Signal, consumer, cron, on, periodic, receiver
from microagent.errors import HandlerError, ScheduleError
from microagent.handlers import (
    ConsumerMark,
    CronMark,
    HookMark,
    PeriodicMark,
    ReceiverMark,
    check_class,
    marked,
)
from microagent.schedule import Every


def new_signal(*arguments: str) -> Signal:
    return Signal(f"sig_{uuid4().hex}", arguments)


def new_queue() -> Queue:
    return Queue(f"queue_{uuid4().hex}")


class Mail:
    def __init__(self, **message: Any) -> None: ...


def test_receiver_marks_its_signals_and_timeout() -> None:
    """``@receiver`` takes any number of signals; a run may take 60 seconds unless ``timeout`` says otherwise."""
    one, two = new_signal(), new_signal("user_id")

    class Agent(MicroAgent):
        @receiver(one, two)
        async def both(self, **kwargs: Any) -> None: ...

        @receiver(one, timeout=5)
        async def quick(self, **kwargs: Any) -> None: ...

    assert marked(Agent) == [("both", ReceiverMark((one, two), 60)), ("quick", ReceiverMark((one,), 5))]


def test_consumer_marks_its_queue_and_options() -> None:
    """``@consumer`` takes one queue; what it does not know itself is for the broker."""
    one, two = new_queue(), new_queue()

    class Agent(MicroAgent):
        @consumer(one)
        async def plain(self, **kwargs: Any) -> None: ...

        @consumer(two, 30, Mail, "mail", autoack=False, concurrency=5)
        async def dto(self, mail: Mail, delivery: Any) -> None: ...

    options = {"autoack": False, "concurrency": 5}
    assert marked(Agent) == [("plain", ConsumerMark(one, 60)), ("dto", ConsumerMark(two, 30, Mail, "mail", options))]


def test_timers_mark_their_schedule() -> None:
    """``@periodic`` and ``@cron`` keep the schedule; a run may take one second unless ``timeout`` says otherwise."""

    class Agent(MicroAgent):
        @periodic(period=3)
        async def plain(self) -> None: ...

        @periodic(5, timeout=4, start_after=2)
        async def late(self) -> None: ...

        @cron("0 */4 * * *", timeout=10, tz="Europe/Berlin")
        async def report(self) -> None: ...

    (_, plain), (_, late), (_, report) = marked(Agent)
    assert plain == PeriodicMark(Every(3), 1, 0)
    assert late == PeriodicMark(Every(5), 4, 2)
    assert isinstance(report, CronMark)
    assert (report.schedule.spec, str(report.schedule.tz), report.timeout) == ("0 */4 * * *", "Europe/Berlin", 10)


@pytest.mark.parametrize("label", ["pre_start", "post_start", "pre_stop", "server"])
def test_on_marks_its_label(label: Any) -> None:
    """``@on`` knows four moments in the life of an agent."""

    class Agent(MicroAgent):
        @on(label)
        async def hook(self) -> None: ...

    assert marked(Agent) == [("hook", HookMark(label))]


@pytest.mark.parametrize(
    ("decorator", "parameters"),
    [
        (receiver, {"signals": inspect.Parameter.empty, "timeout": 60}),
        (
            consumer,
            {
                "queue": inspect.Parameter.empty,
                "timeout": 60,
                "dto_class": None,
                "dto_name": None,
                "options": inspect.Parameter.empty,
            },
        ),
        (periodic, {"period": inspect.Parameter.empty, "timeout": 1, "start_after": 0}),
        (cron, {"spec": inspect.Parameter.empty, "timeout": 1, "tz": None}),
        (on, {"label": inspect.Parameter.empty}),
    ],
)
def test_decorators_have_the_documented_parameters(decorator: Callable[..., Any], parameters: dict[str, Any]) -> None:
    """Names, order and defaults are the manual's, and ``inspect.signature`` shows them."""
    signature = inspect.signature(decorator)

    assert {name: parameter.default for name, parameter in signature.parameters.items()} == parameters


def untyped(value: Any) -> Any:
    return value


async def bare(self: Any) -> None: ...


@pytest.mark.parametrize(
    ("decorate", "message"),
    [
        (receiver, "a receiver takes one or more signals"),
        (lambda: receiver(untyped(print)), "a receiver takes signals, not <built-in function print>"),
        (lambda: consumer(untyped("mailer")), "a consumer takes a queue, not 'mailer'"),
        (lambda: periodic(1, timeout=0), "timeout is a number of seconds above 0, not 0"),
        (lambda: cron("* * * * *", timeout=-1), "timeout is a number of seconds above 0, not -1"),
        (lambda: on(untyped("start")), "no hook 'start', did you mean"),
        (lambda: receiver(untyped(bare)), r"@receiver\(signal\) is written with its arguments, not bare above bare"),
        (lambda: consumer(untyped(bare)), r"@consumer\(queue\) is written with its arguments"),
        (lambda: periodic(untyped(bare)), r"@periodic\(period\) is written with its arguments"),
        (lambda: cron(untyped(bare)), r"@cron\(spec\) is written with its arguments"),
        (lambda: on(untyped(bare)), r"@on\(moment\) is written with its arguments"),
    ],
)
def test_a_wrong_decorator_is_refused_where_it_stands(decorate: Callable[[], Any], message: str) -> None:
    """What a decorator cannot use is a HandlerError at once, not when the agent starts."""
    with pytest.raises(HandlerError, match=message):
        decorate()


@pytest.mark.parametrize(
    "decorate",
    [
        lambda: periodic(0),
        lambda: periodic(untyped("5")),
        lambda: periodic(True),
        lambda: periodic(untyped(print)),
        lambda: periodic(1, start_after=-1),
        lambda: cron("* * * *"),
        lambda: cron("0 0 30 2 *"),
        lambda: cron("* * * * *", tz="Mars/Olympus"),
        lambda: cron("* * * * *", tz=untyped(3)),
        lambda: cron("* * * * *", tz=""),
    ],
)
def test_a_wrong_schedule_is_refused_where_it_stands(decorate: Callable[[], Any]) -> None:
    """A period or spec that names no moment is a ScheduleError at once."""
    with pytest.raises(ScheduleError):
        decorate()


def refusal(**methods: Any) -> str:
    with pytest.raises(HandlerError) as refused:
        type("Agent", (MicroAgent,), methods)
    return str(refused.value)


def test_a_receiver_that_cannot_take_its_signal_is_refused_with_its_class() -> None:
    """Creating the class fails, and the sentence names class, method, signal and argument."""
    signal = new_signal("user_id")

    @receiver(signal)
    async def welcome(self: Any, user_id: int) -> None: ...

    assert refusal(welcome=welcome) == (
        f"Agent.welcome cannot take 'sender', 'signal' from signal '{signal.name}': "
        "name it as a parameter, or add **kwargs"
    )


def test_every_signal_of_a_receiver_is_checked() -> None:
    """A method that fits the first of its signals and not the second is refused."""
    one, two = new_signal("user_id"), new_signal("user_id", "reason")

    @receiver(one, two)
    async def explain(self: Any, reason: str, **kwargs: Any) -> None: ...

    assert refusal(explain=explain) == (
        f"Agent.explain requires 'reason', and signal '{one.name}' gives 'sender', 'signal', 'user_id'"
    )


def test_an_inherited_handler_is_checked_with_its_new_body() -> None:
    """An override without decorator has to take what the overridden handler took."""
    signal = new_signal("user_id")

    class Base(MicroAgent):
        @receiver(signal)
        async def welcome(self, user_id: int, **kwargs: Any) -> None: ...

    with pytest.raises(HandlerError, match=r"^Derived\.welcome requires 'text', and signal "):

        class Derived(Base):  # pyright: ignore[reportUnusedClass] - it never comes to be
            async def welcome(self, text: str, **kwargs: Any) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride] - what is tested


def test_a_dto_is_taken_by_its_name() -> None:
    """With a ``dto_class``, a consumer has to take ``dto``, or what ``dto_name`` says."""
    queue = new_queue()

    @consumer(queue, dto_class=Mail)
    async def consume(self: Any, mail: Mail) -> None: ...

    assert refusal(consume=consume) == (
        f"Agent.consume cannot take 'dto' from queue '{queue.name}': name it as a parameter, or add **kwargs"
    )


@pytest.mark.parametrize(
    ("decorator", "giver"),
    [
        (periodic(1), "a timer"),
        (cron("* * * * *"), "a timer"),
        (on("pre_start"), "hook 'pre_start'"),
        (on("server"), "hook 'server'"),
    ],
)
def test_timers_and_hooks_take_nothing_but_self(decorator: Callable[[Any], Any], giver: str) -> None:
    """A timer, hook or server that requires an argument is refused; one with a default is fine."""

    async def demanding(self: Any, user_id: int) -> None: ...
    async def modest(self: Any, user_id: int = 0) -> None: ...

    assert refusal(run=decorator(demanding)) == f"Agent.run requires 'user_id', and {giver} gives nothing"
    check_class(type("Agent", (), {"run": decorator(modest)}))


@pytest.mark.parametrize("kind", ["receiver", "consumer", "periodic", "cron", "server"])
def test_what_is_awaited_is_async(kind: str) -> None:
    """Receivers, consumers, timers and servers are ``async def``."""
    decorators: dict[str, Any] = {
        "receiver": receiver(new_signal()),
        "consumer": consumer(new_queue()),
        "periodic": periodic(1),
        "cron": cron("* * * * *"),
        "server": on("server"),
    }

    def run(self: Any, **kwargs: Any) -> None: ...

    assert (
        refusal(run=decorators[kind](run)) == "Agent.run must be an 'async def' without 'yield', because it is awaited"
    )


def test_other_hooks_may_be_plain() -> None:
    """``pre_start``, ``post_start`` and ``pre_stop`` are plain or async methods."""

    class Agent(MicroAgent):
        @on("pre_start")
        @on("post_start")
        @on("pre_stop")
        def hook(self) -> None: ...

    assert [name for name, _ in marked(Agent)] == ["hook"] * 3


def test_only_one_method_of_a_class_consumes_a_queue() -> None:
    """Two consumers of one queue are refused, inherited ones included; a removed one does not count."""
    queue = new_queue()

    class Base(MicroAgent):
        @consumer(queue)
        async def first(self, **kwargs: Any) -> None: ...

    @consumer(queue)
    async def second(self: Any, **kwargs: Any) -> None: ...

    with pytest.raises(HandlerError) as refused:
        type("Derived", (Base,), {"second": second})
    assert str(refused.value) == (
        f"Derived.first and Derived.second consume queue '{queue.name}': only one handler can be bound to one queue"
    )
    type("Derived", (Base,), {"first": None, "second": second})


def a_number(_: Any) -> int:
    return 5


@pytest.mark.parametrize("wrap", [staticmethod, classmethod, property, a_number])
def test_a_handler_is_a_plain_method(wrap: Callable[[Any], Any]) -> None:
    """What takes the place of a handler and is no plain method is refused, whichever way it is wrapped."""

    class Base(MicroAgent):
        @on("pre_start")
        def run(self) -> None: ...

    def other(self: Any) -> None: ...

    with pytest.raises(HandlerError, match=r"^Derived\.run must be a plain method to be a handler$"):
        type("Derived", (Base,), {"run": wrap(other)})


@pytest.mark.parametrize("wrap", [staticmethod, classmethod, property])
def test_a_wrapped_handler_is_found(wrap: Callable[[Any], Any]) -> None:
    """A decorated function inside something that is no plain method is refused rather than forgotten."""

    @on("pre_start")
    def run(self: Any) -> None: ...

    assert refusal(run=wrap(run)) == "Agent.run must be a plain method to be a handler"


class Unmade:
    """What somebody may decorate by mistake."""


@pytest.mark.parametrize("wrapped", [staticmethod(a_number), classmethod(a_number), property(a_number), Unmade])
def test_what_is_no_plain_method_cannot_be_decorated(wrapped: Any) -> None:
    """A decorator above ``@staticmethod`` and its like is refused at once."""
    with pytest.raises(HandlerError, match=r"^(a_number|Unmade) must be a plain method to be a handler$"):
        on("pre_start")(wrapped)


@pytest.mark.parametrize("name", ["bus", "log", "start", "stop", "info", "settings", "_lifecycle"])
def test_a_handler_takes_the_place_of_nothing_that_agents_have(name: str) -> None:
    """Or the agent would be called by what it is to call."""

    @receiver(new_signal())
    async def method(self: Any, **kwargs: Any) -> None: ...

    assert refusal(**{name: method}).endswith(
        f"would hide the attribute {name!r} that every agent has: give it another name"
    )
