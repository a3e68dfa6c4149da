"""Log lines that are limited in rate: one with a count, one that is not repeated."""

import logging
import time
from collections.abc import Callable


class CountedLog:
    """
    Logs an event that may happen thousands of times a second: one warning a second at most, with the count since the
    last one.

    :param log: where the warnings go
    :param text: a ``%``-format for ``arguments`` and, as the last one, the count: ``"%r: %d signals dropped"``
    :param clock: seconds, from any start
    :param arguments: what ``text`` shows before the count; formatted when a line is logged
    """

    def __init__(
        self,
        log: logging.Logger,
        text: str,
        clock: Callable[[], float] = time.monotonic,
        *,
        arguments: tuple[object, ...] = (),
    ) -> None:
        self._log = log
        self._text = text
        self._clock = clock
        self._arguments = arguments
        self._since = 0
        self._due = 0.0
        self.total = 0

    def add(self, count: int = 1) -> None:
        """Count the event, and log it unless the last line is less than a second old."""
        self.total += count
        self._since += count
        if self._clock() >= self._due:
            self.flush()

    def flush(self) -> None:
        """Log what has been counted since the last line, if anything has."""
        if self._since:
            self._log.warning(self._text, *self._arguments, self._since)
            self._since = 0
            self._due = self._clock() + 1.0


class Seldom(logging.Filter):
    """
    A filter that lets a warning through once in ``seconds``, however its values differ: the format string counts.

    For the loggers of drivers that retry many times a second while their server is down.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds = seconds
        self._clock = clock
        self._due: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        text, now = str(record.msg), self._clock()
        if now < self._due.get(text, now):
            return False
        self._due[text] = now + self._seconds
        return True
