"""Finds the user's own code in a traceback; the frames of this library that called it say nothing about a failure."""

from itertools import takewhile
from pathlib import Path
from traceback import walk_tb
from types import FrameType, TracebackType

OURS = frozenset({"asyncio", "microagent"})


def own_end(error: BaseException) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    """``exc_info`` of an error for logging, its traceback from the user's code on; whole if there is none in it."""
    return type(error), error, _own(error) or error.__traceback__


def own_place(error: BaseException) -> str:
    """The line of the user's code that led to an error of this library, ``" (agents.py, line 7)"``, or ``""``."""
    own = list(takewhile(lambda each: not is_of(each[0], OURS), walk_tb(_own(error))))
    return f" ({Path(own[-1][0].f_code.co_filename).name}, line {own[-1][1]})" if own else ""


def _own(error: BaseException) -> TracebackType | None:
    trace = error.__traceback__
    while trace is not None and is_of(trace.tb_frame, OURS):
        trace = trace.tb_next
    return trace


def is_of(frame: FrameType, packages: frozenset[str]) -> bool:
    """Whether a frame belongs to one of these top-level packages."""
    return str(frame.f_globals.get("__name__")).partition(".")[0] in packages
