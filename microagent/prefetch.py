"""How many messages a consumer holds at once."""

import math

PREFETCH = 100  # most messages that one consumer holds
READ_AHEAD = 0.05  # seconds of work to hold beyond what runs
UNSETTLED = 0.01  # seconds of work that the server need not know of yet, beyond what runs at once
MOST_UNSETTLED = 2 * PREFETCH  # messages, however quick
MOMENT = 1e-6  # seconds; nothing is quicker


class Prefetch:
    """
    How many messages to hold: what the handlers get through in 50 ms, between the concurrency and 100.

    A quick handler shares its round trips among many messages; a slow one leaves messages to others.

    :param concurrency: handlers that run at once
    :param fixed: hold so many, however quick the handler
    :ivar most_unsettled: so many may be done without the server knowing it, so that few come twice when it never does:
        as many as run at once, and what is handled in the time that a server takes to hear of it
    """

    def __init__(self, concurrency: int, fixed: int | None = None) -> None:
        self._least = concurrency
        self._fixed = fixed
        self._mean = READ_AHEAD
        self.most_unsettled = 0.0
        self.ran(READ_AHEAD)

    def ran(self, seconds: float) -> None:
        """A handler took so long."""
        mean = self._mean
        self._mean = mean = mean + (seconds - mean) / 8
        most = self._least + self._least * UNSETTLED / (mean + MOMENT)
        self.most_unsettled = most if most < MOST_UNSETTLED else MOST_UNSETTLED

    def to_take(self, held: int, settling: int, waiting: int) -> int:
        """
        How many to take now; as long as some wait here, a few are not worth a round trip.

        :param settling: of those that are held, their verdict is on its way
        :param waiting: of those that are held, their handler has not begun
        """
        room, portion = self._room(held, settling), self.portion
        is_worth_it = room >= portion or not waiting or self._fixed is not None
        return min(room, portion) if room > 0 and is_worth_it else 0

    def _room(self, held: int, settling: int) -> int:
        """
        Those whose verdict is on its way do not count, up to the limit, or the server would rest while it is told of
        them and we while it is asked for more; unless somebody has said how many may be held.
        """
        done = 0 if self._fixed is not None else min(settling, self.limit)
        return self.limit - held + done

    @property
    def portion(self) -> int:
        """
        How many to take in one go.

        Half of what is held, where that is more than run at once: then the server hands out the one half while the
        other one is handled.
        """
        limit = self.limit
        return limit // 2 if limit >= 2 * self._least else limit

    @property
    def enough(self) -> float:
        """So many are done that the next ones may be taken before the server knows of it."""
        return math.inf if self._fixed is not None else self.portion

    @property
    def limit(self) -> int:
        if self._fixed is not None:
            return self._fixed
        ahead = self._least * READ_AHEAD / max(self._mean, 1e-6)
        return int(max(self._least, min(self._least + ahead, PREFETCH)))
