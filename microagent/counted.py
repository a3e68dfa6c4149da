"""One log line a second for what may happen thousands of times in it."""

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
