"""When a failed message comes again."""

import math
import random
from dataclasses import dataclass

from microagent.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """
    ``1 + retries`` runs, with growing delays in between.

    :param retries: how often a failed message comes again
    :param first: delay before the first retry, in seconds
    :param factor: each further delay is so many times the one before
    :param longest: no delay is longer, in seconds
    :param jitter: share of a delay that is left to chance, so that what failed together does not come back together
    :raises ConfigurationError: if one of them is no such number
    """

    retries: int = 3
    first: float = 1.0
    factor: float = 3.0
    longest: float = 60.0
    jitter: float = 0.2

    def __post_init__(self) -> None:
        if type(self.retries) is not int or self.retries < 0:
            raise ConfigurationError(f"retries={self.retries!r} has to be a whole number, 0 or more")
        for name in ("first", "factor", "longest"):
            if not _is_within(getattr(self, name), math.inf):
                raise ConfigurationError(f"{name}={getattr(self, name)!r} has to be a finite number, 0 or more")
        if not _is_within(self.jitter, 1):
            raise ConfigurationError(f"jitter={self.jitter!r} has to be a number from 0 to 1")

    def next_delay(self, attempt: int, chance: float | None = None) -> float | None:
        """
        Seconds until the run after ``attempt`` (1 for the first), or None when the message is to be buried.

        ``chance`` in [0, 1) takes the place of the random number.
        """
        if attempt > self.retries:
            return None
        try:
            delay = min(self.first * self.factor ** (attempt - 1), self.longest)
        except OverflowError:  # a float ends at 1e308, patience does not
            delay = self.longest
        return delay * (1 - self.jitter * (random.random() if chance is None else chance))


def _is_within(value: float, limit: float) -> bool:
    return type(value) in {int, float} and math.isfinite(value) and 0 <= value <= limit
