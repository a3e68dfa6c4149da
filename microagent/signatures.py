"""What a handler can take, compared with what it will be given."""

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
    The arguments that a handler is called with, all by name.

    :ivar source: what gives them, for messages: ``"signal 'user_created'"``
    :ivar always: come with every call
    :ivar sometimes: may be left out
    :ivar on_request: come to a handler that names them
    :ivar open: any other may come too
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
    """What a consumer of this queue is called with; ``dto_name`` takes the whole message when there is one."""
    given = Given(f"queue '{queue.name}'", on_request=ON_REQUEST)
    if dto_name is not None:
        return replace(given, always=frozenset({dto_name}))
    payload = queue.declaration.payload
    fields = None if payload is None else _fields(payload, queue.declaration.definitions)
    return _with_fields(given, fields) if fields else replace(given, open=True)


def check_handler(handler: Callable[..., Any], title: str, given: Given) -> None:
    """
    Refuse a method that cannot be called with what it will be given.

    :param handler: the function as it stands in the class: its first parameter is the agent
    :param title: ``Class.method``, for the message
    :raises HandlerError: if a call would fail; one sentence says why
    """
    for mismatch in _mismatches(_parameters(handler), given):
        raise HandlerError(f"{title} {mismatch}")


def check_async(handler: Callable[..., Any], title: str) -> None:
    """
    Refuse a method that cannot be awaited.

    :raises HandlerError: unless it is an ``async def``, looked for behind decorators that use ``functools.wraps``
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
    """The names of the arguments that a method, bound or not, takes; None when its ``**kwargs`` take any."""
    parameters = _parameters(handler)
    if _is_open(parameters):
        return None
    own = parameters if inspect.ismethod(handler) else parameters[1:]
    return frozenset(parameter.name for parameter in own if parameter.kind in _BY_NAME)


def clash(handler: Callable[..., Any]) -> str | None:
    """The name under which a bound method has its agent, where its ``**kwargs`` would take that name too, or None."""
    function = getattr(handler, "__func__", None)
    if function is None or not _is_open(parameters := _parameters(function)):
        return None
    return parameters[0].name if parameters[0].kind is Parameter.POSITIONAL_OR_KEYWORD else None


def clash_problem(name: str, title: str) -> str:
    """Why a method cannot be called with a key that is named as its agent is."""
    return f"it has a key '{name}', which {title} cannot take: put a '/' after its first parameter"


def _fields(payload: Schema, definitions: Mapping[str, Any]) -> tuple[Field, ...] | None:
    """The properties of a payload, or None when its schema does not tell which there are."""
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
