"""Where in a stack the user's own code is: what called it tells nothing about its failures."""

from itertools import takewhile
from pathlib import Path
from traceback import walk_tb
from types import FrameType, TracebackType

OURS = frozenset({"asyncio", "microagent"})


def own_end(error: BaseException) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    """An error for the log, its traceback from where microagent called somebody's own code; whole if it did not."""
    return type(error), error, _own(error) or error.__traceback__


def own_place(error: BaseException) -> str:
    """`` (agents.py, line 7)``: the line of somebody's own code that ran into an error of ours; empty if none did."""
    own = list(takewhile(lambda each: not is_of(each[0], OURS), walk_tb(_own(error))))
    return f" ({Path(own[-1][0].f_code.co_filename).name}, line {own[-1][1]})" if own else ""


def _own(error: BaseException) -> TracebackType | None:
    trace = error.__traceback__
    while trace is not None and is_of(trace.tb_frame, OURS):
        trace = trace.tb_next
    return trace


def is_of(frame: FrameType, packages: frozenset[str]) -> bool:
    """Whether a frame runs code of one of these packages."""
    return str(frame.f_globals.get("__name__")).partition(".")[0] in packages
