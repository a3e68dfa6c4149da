"""One log line for what may happen thousands of times in a second."""

import logging
import time
from collections.abc import Callable


class CountedLog:
    """
    Warns at most once a second, and says how often it happened since the last line.

    :param log: where the lines go
    :param text: the line; its one ``%d`` takes the count
    """

    def __init__(self, log: logging.Logger, text: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._text = text
        self._clock = clock
        self._since = 0
        self._due = 0.0
        self.total = 0

    def add(self, count: int = 1) -> None:
        """It happened ``count`` times more."""
        self.total += count
        self._since += count
        if self._clock() >= self._due:
            self.flush()

    def flush(self) -> None:
        """Say now what has not been said."""
        if self._since:
            self._log.warning(self._text, self._since)
            self._since = 0
            self._due = self._clock() + 1.0


class Seldom(logging.Filter):
    """
    Lets a warning through once in so many seconds, and those of the same text with other values not in between.

    For the loggers of drivers that try again many times a second while their server is away.
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
