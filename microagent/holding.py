"""The messages that a consumer holds, and until when each is leased to it."""

import asyncio
import math
from collections.abc import Container, Iterable, Iterator

from microagent.delivery import Delivery


class Holding:
    """
    Messages from when they were taken until the server knows what became of them.

    :ivar sure: until then, no lease ends, on the loop's clock
    """

    def __init__(self) -> None:
        self._leases: dict[Delivery, float] = {}  # the lease of each lasts at least so long, on the loop's clock
        self._change = asyncio.Event()
        self.sure = math.inf

    def __len__(self) -> int:
        return len(self._leases)

    def __iter__(self) -> Iterator[Delivery]:
        return iter(tuple(self._leases))

    def add(self, deliveries: Iterable[Delivery], until: float) -> None:
        """Those that were just taken, leased until then."""
        if not self._leases:
            self.sure = until
        self._leases.update(dict.fromkeys(deliveries, until))

    def drop(self, deliveries: Iterable[Delivery]) -> None:
        """Nothing is left to do with these."""
        leases = self._leases
        for delivery in deliveries:
            leases.pop(delivery, None)
        self._change.set()

    def clear(self) -> None:
        self._leases.clear()
        self._change.set()

    def is_overdue(self, delivery: Delivery, now: float) -> bool:
        """Whether somebody else may have it by now."""
        return self._leases.get(delivery, now) < now

    # -- keeping

    def unsettled(self) -> list[Delivery]:
        """Those whose leases are to be kept up."""
        return [delivery for delivery in self._leases if not delivery.settled]

    def renew(self, held: Iterable[Delivery], gone: Container[Delivery], until: float) -> Iterator[Delivery]:
        """
        What the server said of the leases of these: they last until then, but for those that are gone.

        :return: those that somebody else has now; they are held no longer
        """
        for delivery in held:
            if delivery.settled:
                pass  # it may be gone because we said so meanwhile
            elif delivery in gone:
                delivery.lost, delivery.on_verdict = True, None
                self.drop([delivery])
                yield delivery
            else:
                self._leases[delivery] = until
        self.sure = min(self._leases.values(), default=until)

    # -- waiting

    def changed(self) -> None:
        """Something was taken: whoever waits for a change looks again."""
        self._change.set()

    async def change(self) -> None:
        """Return when something was taken, or is held no longer."""
        self._change.clear()
        await self._change.wait()

    async def emptied(self, but: Delivery | None = None) -> None:
        """Return when nothing is held any more, but for this one."""
        while self._leases.keys() - {but}:
            await self.change()
