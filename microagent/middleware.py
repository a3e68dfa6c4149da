"""What runs around the handlers of an agent."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from inspect import Parameter, Signature, signature
from types import MappingProxyType, MethodType
from typing import Any, Literal, TypeAlias

from microagent.delivery import Delivery
from microagent.signatures import DELIVERY

CallNext: TypeAlias = Callable[[], Awaitable[Any]]
Kind: TypeAlias = Literal["receiver", "consumer", "periodic", "cron"]
Middleware: TypeAlias = Callable[["Run", CallNext], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Run:
    """
    One run of a handler, as the middleware around it sees it.

    :ivar handler: ``Class.method``
    :ivar kind: what the handler is
    :ivar source: name of the signal or queue; None for periodic and cron tasks
    :ivar arguments: what the handler is called with, by name; read-only
    :ivar delivery: the message of a consumer, else None
    """

    handler: str
    kind: Kind
    source: str | None
    arguments: Mapping[str, Any]
    delivery: Delivery | None


def surrounded(
    method: MethodType, kind: Kind, source: str | None, middlewares: Sequence[Middleware]
) -> Callable[..., Awaitable[Any]]:
    """
    A bound method with middlewares around each of its runs, the first one outermost; itself where there are none.

    It has the name and the signature of the method, so that it is called with the same arguments.
    """
    if not middlewares:
        return method
    handler = f"{type(method.__self__).__name__}.{method.__name__}"

    @wraps(method.__func__)
    async def run(self: object, /, **arguments: Any) -> Any:
        delivery: Delivery | None = arguments.pop(DELIVERY, None)
        about = Run(handler, kind, source, MappingProxyType(arguments), delivery)
        call: CallNext = partial(method, **arguments)
        for middleware in reversed(middlewares):
            call = partial(middleware, about, call)
        return await call()

    if kind == "consumer":
        vars(run)["__signature__"] = _asking_for_delivery(signature(method.__func__))
    return MethodType(run, method.__self__)


def _asking_for_delivery(own: Signature) -> Signature:
    parameters = list(own.parameters.values())
    is_open = bool(parameters) and parameters[-1].kind is Parameter.VAR_KEYWORD
    parameters.insert(len(parameters) - is_open, Parameter(DELIVERY, Parameter.KEYWORD_ONLY))
    return own.replace(parameters=parameters)
