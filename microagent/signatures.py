"""Checks that the signature of a handler fits the arguments it will be called with."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from inspect import Parameter
from typing import Any

from microagent.errors import HandlerError
from microagent.queue import Queue
from microagent.schemas.reading import shape
from microagent.schemas.shapes import Field
from microagent.schemas.words import Schema
from microagent.signal import Signal

DELIVERY = "__delivery__"
"""The delivery, under a name that is hardly a key of a message, for what runs around a consumer."""
ON_REQUEST = frozenset({"amqp", "kafka", "delivery", DELIVERY})
"""What a consumer gets beside its message if it names it."""

_BY_NAME = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.VAR_POSITIONAL)


@dataclass(frozen=True, slots=True)
class Given:
    """
    The keyword arguments that a handler is called with.

    :ivar source: where they come from, for messages: ``"signal 'user_created'"``
    :ivar always: passed in every call
    :ivar sometimes: may be missing
    :ivar on_request: passed only to a handler that has a parameter of this name
    :ivar open: whether other arguments may be passed too
    """

    source: str
    always: frozenset[str] = frozenset()
    sometimes: frozenset[str] = frozenset()
    on_request: frozenset[str] = frozenset()
    open: bool = False


def given_by_signal(signal: Signal) -> Given:
    """What a receiver of this signal is called with."""
    given = Given(f"signal '{signal.name}'", always=frozenset({"signal", "sender"}))
    fields = _fields(signal.declaration.payload, signal.declaration.definitions)
    return replace(given, open=True) if fields is None else _with_fields(given, fields)


def given_by_queue(queue: Queue, dto_name: str | None = None) -> Given:
    """What a consumer of this queue is called with; ``dto_name``, if any, gets the whole message."""
    given = Given(f"queue '{queue.name}'", on_request=ON_REQUEST)
    if dto_name is not None:
        return replace(given, always=frozenset({dto_name}))
    payload = queue.declaration.payload
    fields = None if payload is None else _fields(payload, queue.declaration.definitions)
    return _with_fields(given, fields) if fields else replace(given, open=True)


def check_handler(handler: Callable[..., Any], title: str, given: Given) -> None:
    """
    Check that a method can be called with the given arguments.

    :param handler: the function in the class, not bound: its first parameter is the agent
    :param title: ``Class.method``, for the message
    :raises HandlerError: if a call would fail
    """
    for mismatch in _mismatches(_parameters(handler), given):
        raise HandlerError(f"{title} {mismatch}")


def check_async(handler: Callable[..., Any], title: str) -> None:
    """
    Check that a method is an ``async def``; decorators that use ``functools.wraps`` are looked through.

    :raises HandlerError: if it is not
    """
    if not inspect.iscoroutinefunction(inspect.unwrap(handler)):
        raise HandlerError(f"{title} must be an 'async def' without 'yield', because it is awaited")


def check_middleware(method: Callable[..., Any], title: str) -> None:
    """
    Refuse a middleware that cannot be called.

    :raises HandlerError: unless it takes its agent, a run and what comes next, by position
    """
    try:
        inspect.signature(method).bind("self", "run", "call_next")
    except TypeError:
        raise HandlerError(f"{title} is a middleware, so it must take (self, run, call_next)") from None


def accepted(handler: Callable[..., Any]) -> frozenset[str] | None:
    """The names of the keyword arguments that a method, bound or not, accepts; None if ``**kwargs`` accepts any."""
    parameters = _parameters(handler)
    if _is_open(parameters):
        return None
    own = parameters if inspect.ismethod(handler) else parameters[1:]
    return frozenset(parameter.name for parameter in own if parameter.kind in _BY_NAME)


def clash(handler: Callable[..., Any]) -> str | None:
    """
    The name of the first parameter of a bound method (usually ``self``) if a key of that name would clash with it.

    That can happen to a method with ``**kwargs`` whose first parameter is not positional-only; else None.
    """
    function = getattr(handler, "__func__", None)
    if function is None or not _is_open(parameters := _parameters(function)):
        return None
    return parameters[0].name if parameters[0].kind is Parameter.POSITIONAL_OR_KEYWORD else None


def clash_problem(name: str, title: str) -> str:
    """The error for a payload with a key of that name."""
    return f"it has a key '{name}', which {title} cannot take: put a '/' after its first parameter"


def _fields(payload: Schema, definitions: Mapping[str, Any]) -> tuple[Field, ...] | None:
    """The properties of a payload; None if its schema does not list them."""
    found = shape(payload, definitions, payload=True).object
    return found.fields if found else None


def _with_fields(given: Given, fields: tuple[Field, ...]) -> Given:
    required = frozenset(field.name for field in fields if field.required)
    optional = frozenset(field.name for field in fields if not field.required)
    return replace(given, always=given.always | required, sometimes=optional)


def _parameters(handler: Callable[..., Any]) -> list[Parameter]:
    return list(inspect.signature(handler).parameters.values())


def _is_open(parameters: Iterable[Parameter]) -> bool:
    return any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters)


def _mismatches(parameters: list[Parameter], given: Given) -> Iterator[str]:
    if not parameters or parameters[0].kind not in _BY_POSITION:
        yield "has no first parameter for its agent: 'self'"
        return
    own = parameters if parameters[0].kind is Parameter.VAR_POSITIONAL else parameters[1:]
    yield from _refused(own, given)
    yield from _clashing(parameters, given)
    for parameter in own:
        if parameter.default is Parameter.empty:
            yield from _unmet(parameter, given)


def _refused(parameters: list[Parameter], given: Given) -> Iterator[str]:
    names = {parameter.name for parameter in parameters if parameter.kind in _BY_NAME}
    refused = (given.always | given.sometimes) - names
    if refused and not _is_open(parameters):
        yield f"cannot take {_listed(refused)} from {given.source}: name it as a parameter, or add **kwargs"


def _clashing(parameters: list[Parameter], given: Given) -> Iterator[str]:
    first = parameters[0]
    named = first.kind is Parameter.POSITIONAL_OR_KEYWORD and first.name in given.always | given.sometimes
    if named and _is_open(parameters):
        yield f"has its agent as '{first.name}', which {given.source} gives too: write a '/' after its first parameter"


def _unmet(parameter: Parameter, given: Given) -> Iterator[str]:
    if parameter.kind is Parameter.POSITIONAL_ONLY:
        yield f"takes '{parameter.name}' by position alone, and {given.source} gives what it gives by name"
    elif parameter.kind not in _BY_NAME:
        return
    elif parameter.name in given.sometimes:
        yield f"needs a default for '{parameter.name}', because {given.source} may leave it out"
    elif parameter.name not in given.always | given.on_request and not given.open:
        yield f"requires '{parameter.name}', and {given.source} gives {_listed(given.always | given.sometimes)}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names)) or "nothing"
