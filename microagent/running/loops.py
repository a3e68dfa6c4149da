"""The event loops that agents may run on."""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

from microagent.extras import needed

Loop: TypeAlias = Literal["asyncio", "uvloop"]
LOOPS: tuple[Loop, ...] = get_args(Loop)


def factory_of(loop: Loop) -> Callable[[], AbstractEventLoop] | None:
    """
    What makes such loops, as ``asyncio.Runner`` takes it; None: asyncio's own, or what its policy says.

    :raises ExtraMissing: if it is not installed
    """
    if loop == "asyncio":
        return None
    with needed("--loop uvloop", "uvloop"):
        from uvloop import new_event_loop  # it is an extra
    return new_event_loop
