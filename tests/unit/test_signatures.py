"""Handlers compared with what they will be given."""

import functools
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from microagent.errors import HandlerError
from microagent.queue import Queue
from microagent.signal import Signal
from microagent.signatures import (
    ON_REQUEST,
    Given,
    accepted,
    check_async,
    check_handler,
    given_by_queue,
    given_by_signal,
)

GIVEN = Given(
    "signal 'user_deleted'",
    always=frozenset({"signal", "sender", "user_id"}),
    sometimes=frozenset({"reason"}),
    on_request=frozenset({"delivery"}),
)
PAYLOAD = {
    "type": "object",
    "properties": {"user_id": {"type": "integer"}, "reason": {"type": "string"}},
    "required": ["user_id"],
}


class Fits:
    """Methods that can be called with ``GIVEN``."""

    async def anything(self, **kwargs: Any) -> None: ...
    async def anything_at_all(self, *args: Any, **kwargs: Any) -> None: ...
    async def some(self, user_id: int, **kwargs: Any) -> None: ...
    async def by_keyword_only(self, *, user_id: int, reason: str = "", **kwargs: Any) -> None: ...
    async def all_by_name(self, signal: Any, sender: str, user_id: int, reason: str = "") -> None: ...
    async def parameter_of_its_own(self, verbose: bool = False, **kwargs: Any) -> None: ...
    async def position_alone_with_default(self, own: int = 0, /, **kwargs: Any) -> None: ...
    async def on_request(self, delivery: Any, **kwargs: Any) -> None: ...


class Misfits:
    """Methods that cannot."""

    async def missing(self, signal: Any, sender: str, reason: str = "") -> None: ...
    async def missing_optional(self, signal: Any, sender: str, user_id: int) -> None: ...
    async def missing_many(self, user_id: int, reason: str = "") -> None: ...
    async def required_extra(self, nope: str, **kwargs: Any) -> None: ...
    async def optional_without_default(self, reason: str, **kwargs: Any) -> None: ...
    async def by_position(self, user_id: int, /, **kwargs: Any) -> None: ...


async def self_among_args(*args: Any, **kwargs: Any) -> None: ...
async def no_self(**kwargs: Any) -> None: ...
async def nothing() -> None: ...


def methods(cls: type) -> list[str]:
    return [name for name, value in vars(cls).items() if callable(value)]


@pytest.mark.parametrize("name", methods(Fits))
def test_what_can_be_called_passes(name: str) -> None:
    """A method passes when it takes all it is given, by name or by ``**kwargs``, and asks for nothing else."""
    check_handler(getattr(Fits, name), f"Fits.{name}", GIVEN)


REFUSALS = {
    "missing": "cannot take 'user_id' from signal 'user_deleted': name it as a parameter, or add **kwargs",
    "missing_optional": "cannot take 'reason' from signal 'user_deleted': name it as a parameter, or add **kwargs",
    "missing_many": (
        "cannot take 'sender', 'signal' from signal 'user_deleted': name it as a parameter, or add **kwargs"
    ),
    "required_extra": "requires 'nope', and signal 'user_deleted' gives 'reason', 'sender', 'signal', 'user_id'",
    "optional_without_default": "needs a default for 'reason', because signal 'user_deleted' may leave it out",
    "by_position": "takes 'user_id' by position alone, and signal 'user_deleted' gives what it gives by name",
}


@pytest.mark.parametrize("name", methods(Misfits))
def test_what_cannot_be_called_is_refused_with_a_sentence(name: str) -> None:
    """A method that a call would break on is refused; the message names it, the giver, and the argument at fault."""
    with pytest.raises(HandlerError) as refused:
        check_handler(getattr(Misfits, name), f"Misfits.{name}", GIVEN)

    assert str(refused.value) == f"Misfits.{name} {REFUSALS[name]}"


@pytest.mark.parametrize("cls", [Fits, Misfits])
async def test_the_check_tells_what_a_call_would_do(cls: type) -> None:
    """Python agrees: what passes can be called, with and without the optional arguments; what is refused cannot."""
    least = dict.fromkeys(GIVEN.always)
    for name in methods(cls):
        method = getattr(cls, name)
        requested = {"delivery": None} if name == "on_request" else {}
        outcomes = [await outcome(method, {**given, **requested}) for given in (least, {**least, "reason": None})]
        assert all(outcomes) == (cls is Fits), name


async def outcome(method: Callable[..., Awaitable[Any]], given: dict[str, Any]) -> bool:
    try:
        await method(object(), **given)
    except TypeError:
        return False
    return True


def test_self_may_be_among_args() -> None:
    """``*args`` take the agent."""
    check_handler(self_among_args, "A.method", GIVEN)


@pytest.mark.parametrize("method", [no_self, nothing])
def test_a_method_without_self_is_refused(method: Callable[..., Any]) -> None:
    """A method that could not be bound to its agent is refused."""
    with pytest.raises(HandlerError, match=r"^A\.method has no first parameter for its agent: 'self'$"):
        check_handler(method, "A.method", GIVEN)


def test_open_givers_may_be_asked_for_anything() -> None:
    """Where any argument may come, a method may require any."""
    check_handler(Misfits.required_extra, "Misfits.required_extra", Given("queue 'mailer'", open=True))


def test_who_gives_nothing_is_asked_for_nothing() -> None:
    """A timer gives no argument, so its method may not require one."""

    async def tick(self: Any, user_id: int) -> None: ...

    with pytest.raises(HandlerError, match=r"^A\.tick requires 'user_id', and a timer gives nothing$"):
        check_handler(tick, "A.tick", Given("a timer"))


def test_signal_and_sender_come_with_every_signal() -> None:
    """A receiver is given ``signal``, ``sender`` and the arguments, those that are not required only sometimes."""
    signal = Signal(f"sig_{uuid4().hex}", payload=PAYLOAD)

    assert given_by_signal(signal) == Given(
        f"signal '{signal.name}'", frozenset({"signal", "sender", "user_id"}), frozenset({"reason"})
    )


def test_arguments_without_types_are_required() -> None:
    """``providing_args`` as a list: all of them come with every signal."""
    signal = Signal(f"sig_{uuid4().hex}", ["user_id", "text"])

    assert given_by_signal(signal).always == {"signal", "sender", "user_id", "text"}


def test_a_consumer_is_given_the_keys_of_its_message() -> None:
    """A declared payload gives its keys, and on request what belongs to the delivery; references are followed."""
    queue = Queue(f"queue_{uuid4().hex}", payload={"$ref": "#/$defs/Order", "$defs": {"Order": PAYLOAD}})

    assert given_by_queue(queue) == Given(
        f"queue '{queue.name}'", frozenset({"user_id"}), frozenset({"reason"}), ON_REQUEST
    )


@pytest.mark.parametrize("payload", [None, True, {}, {"anyOf": [PAYLOAD, {}]}])
def test_a_free_message_may_hold_anything(payload: Any) -> None:
    """Without a payload, or with one that says no keys, the consumer may have any signature."""
    queue = Queue(f"queue_{uuid4().hex}", payload=payload)

    given = given_by_queue(queue)

    assert given.open
    assert not given.always | given.sometimes


@pytest.mark.parametrize("payload", [None, PAYLOAD])
def test_a_dto_takes_the_place_of_the_keys(payload: Any) -> None:
    """With a ``dto_class`` the consumer is given that one object, by its name."""
    queue = Queue(f"queue_{uuid4().hex}", payload=payload)

    assert given_by_queue(queue, "mail") == Given(
        f"queue '{queue.name}'", always=frozenset({"mail"}), on_request=ON_REQUEST
    )


ACCEPTED: list[tuple[Callable[..., Any], set[str] | None]] = [
    (Fits.anything, None),
    (self_among_args, None),
    (Fits.all_by_name, {"signal", "sender", "user_id", "reason"}),
    (Fits().all_by_name, {"signal", "sender", "user_id", "reason"}),
    (Misfits.missing_many, {"user_id", "reason"}),
    (nothing, set[str]()),
]


@pytest.mark.parametrize(("method", "names"), ACCEPTED)
def test_accepted_names(method: Callable[..., Any], names: set[str] | None) -> None:
    """The names that a method takes, bound or not; None when it takes any."""
    assert accepted(method) == names


def test_a_position_alone_is_no_name() -> None:
    """What can be given by position alone is not among the accepted names."""

    async def method(self: Any, first: int = 0, /, second: int = 0) -> None: ...

    assert accepted(method) == frozenset({"second"})


def test_async_methods_pass_behind_wrappers_too() -> None:
    """``async def`` can be awaited, also behind decorators that use ``functools.wraps``."""

    def plain_wrapper(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return method(*args, **kwargs)

        return wrapper

    check_async(Fits.anything, "Fits.anything")
    check_async(plain_wrapper(Fits.anything), "Fits.anything")


def test_what_cannot_be_awaited_is_refused() -> None:
    """A plain function and an async generator are refused."""

    def plain(self: Any) -> None: ...

    async def generator(self: Any) -> Any:
        yield 1

    for method in (plain, generator):
        with pytest.raises(HandlerError) as refused:
            check_async(method, "A.method")
        assert str(refused.value) == "A.method must be an 'async def' without 'yield', because it is awaited"
