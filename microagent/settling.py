"""Verdicts on their way to the server."""

import math
from collections.abc import Callable, Sequence
from functools import partial

from microagent.delivery import ACK, Delivery, Verdict

RELEASE = Verdict.RELEASE  # an attribute of an Enum takes longer to find than most of what is done for a message


class Verdicts:
    """
    What was decided and nobody has fetched yet.

    :param fetch: called when there is something to fetch
    :param known: called by whoever fetched it when the server knows of it
    """

    def __init__(self, fetch: "Callable[[Verdicts], None]", known: Callable[[Sequence[Delivery]], None]) -> None:
        self.fetch = partial(fetch, self)
        self.gathered: list[Delivery] = []
        self.known = known

    def fetched(self) -> list[Delivery]:
        """All of them; what comes from now on is for the next to fetch."""
        gathered, self.gathered = self.gathered, []
        return gathered


class Settling:
    """
    The verdicts of one consumer of which its server does not know yet.

    :param fetch: called when there are some that the server carries out quickly
    :param move: called when there are some that take longer, so that no others are to wait for them
    :param known: called with those of which the server knows now
    :param reached: called once when there are enough
    :ivar count: how many there are
    :ivar enough: how many that is; set again, it is told again
    """

    def __init__(
        self,
        fetch: Callable[[Verdicts], None],
        move: Callable[[Verdicts], None],
        known: Callable[[Sequence[Delivery]], None],
        reached: Callable[[], None],
    ) -> None:
        self._quick = Verdicts(fetch, self._heard)
        self._moves = Verdicts(move, self._heard)
        self._known = known
        self._reached = reached
        self.count = 0
        self.enough = math.inf

    def settle(self, delivery: Delivery) -> None:
        """Tell the server soon."""
        verdict = delivery.verdict
        verdicts = self._quick if verdict is ACK or verdict is RELEASE else self._moves
        gathered = verdicts.gathered
        gathered.append(delivery)
        if len(gathered) == 1:
            verdicts.fetch()
        self.count = count = self.count + 1
        if count >= self.enough:
            self.enough = math.inf
            self._reached()

    def _heard(self, deliveries: Sequence[Delivery]) -> None:
        self.count -= len(deliveries)
        self._known(deliveries)
