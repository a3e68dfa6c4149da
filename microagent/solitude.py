"""Running alone what may have killed its process, so that nothing else is counted with it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import Protocol

from microagent.delivery import Delivery
from microagent.intake import CRASHES

SUSPICIOUS = 3  # runs that ended with their process: from then on, a message runs alone


def is_suspect(delivery: Delivery) -> bool:
    """Whether it was so often in a process that died, and is still to be run."""
    return SUSPICIOUS <= delivery.crashes < CRASHES


class Member(Protocol):
    """Who consumes one queue."""

    @property
    def held(self) -> int:
        """Messages that it holds now."""
        ...

    async def rest(self) -> None:
        """Begin nothing more, hand back what waits, and return when nothing is held any more."""


class Solitude:
    """
    Those who consume from one broker in this process, one of whom may have it to itself.

    The server counts a death of a process for all that the process held, as it cannot tell what was guilty. A message
    that was often there is suspected, and runs while nothing else is held: if the process dies now, it is counted for
    this message alone. So others are counted until they are suspected, and not until they are buried.
    """

    def __init__(self) -> None:
        self._members: set[Member] = set()
        self._owner: Member | None = None
        self._over: asyncio.Future[None] | None = None

    @property
    def held(self) -> int:
        """Messages that all of them hold now."""
        return sum(member.held for member in self._members)

    def join(self, member: Member) -> None:
        self._members.add(member)

    def leave(self, member: Member) -> None:
        self._members.discard(member)

    def is_anothers(self, member: Member) -> bool:
        """Whether the process is for another one now, so that nothing is to be taken."""
        return self._owner is not None and self._owner is not member

    async def over(self) -> None:
        """Return when nobody has the process to itself."""
        while self._over is not None:
            await asyncio.wait([self._over])

    @asynccontextmanager
    async def of(self, member: Member, rest: Awaitable[None]) -> AsyncGenerator[None]:
        """
        Have the process to itself, once all others rest; nobody else may have it.

        :param rest: what the member does to come to rest
        """
        assert self._owner is None
        self._owner, self._over = member, asyncio.get_running_loop().create_future()
        try:
            await asyncio.gather(rest, *(other.rest() for other in self._members if other is not member))
            yield
        finally:
            self._over.set_result(None)
            self._owner = self._over = None
