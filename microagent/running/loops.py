"""The event loops that agents can run on."""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

from microagent.extras import needed

Loop: TypeAlias = Literal["asyncio", "uvloop"]
LOOPS: tuple[Loop, ...] = get_args(Loop)


def factory_of(loop: Loop) -> Callable[[], AbstractEventLoop] | None:
    """
    The ``loop_factory`` for ``asyncio.Runner``; None for the default of asyncio and its policy.

    :raises ExtraMissing: if uvloop is asked for and not installed
    """
    if loop == "asyncio":
        return None
    with needed("--loop uvloop", "uvloop"):
        from uvloop import new_event_loop  # it is an extra
    return new_event_loop
