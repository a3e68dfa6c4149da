"""Where in a stack the user's own code is: what called it tells nothing about its failures."""

from types import FrameType, TracebackType

OURS = frozenset({"asyncio", "microagent"})


def own_end(error: BaseException) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    """An error for the log, its traceback from where microagent called somebody's own code; whole if it did not."""
    trace = error.__traceback__
    while trace is not None and is_of(trace.tb_frame, OURS):
        trace = trace.tb_next
    return type(error), error, trace or error.__traceback__


def is_of(frame: FrameType, packages: frozenset[str]) -> bool:
    """Whether a frame runs code of one of these packages."""
    return str(frame.f_globals.get("__name__")).partition(".")[0] in packages
