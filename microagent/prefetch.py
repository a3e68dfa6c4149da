"""How many messages a consumer holds at once."""

PREFETCH = 100  # most messages that one consumer holds
READ_AHEAD = 0.05  # seconds of work to hold beyond what runs


class Prefetch:
    """
    How many messages to hold: what the handlers get through in 50 ms, between the concurrency and 100.

    A quick handler shares its round trips among many messages; a slow one leaves messages to others.

    :param concurrency: handlers that run at once
    :param fixed: hold so many, however quick the handler
    """

    def __init__(self, concurrency: int, fixed: int | None = None) -> None:
        self._least = concurrency
        self._fixed = fixed
        self._mean = READ_AHEAD

    def ran(self, seconds: float) -> None:
        """A handler took so long."""
        self._mean += (seconds - self._mean) / 8

    @property
    def limit(self) -> int:
        if self._fixed is not None:
            return self._fixed
        ahead = self._least * READ_AHEAD / max(self._mean, 1e-6)
        return int(max(self._least, min(self._least + ahead, PREFETCH)))
