"""Asking all peers for something, and waiting until each has done it or is gone."""

import asyncio
import itertools
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

M = TypeVar("M", bound=Hashable)


class Confirmation(Generic[M]):
    """One question to some members."""

    def __init__(self, number: int, members: Iterable[M]) -> None:
        self.number = number
        self._open = set(members)
        self._over = asyncio.Event()

    def strike(self, member: M) -> None:
        """``member`` has done it."""
        self._open.discard(member)
        if not self._open:
            self._over.set()

    async def wait(self, timeout: float) -> set[M]:
        """The members that have not done it within ``timeout`` seconds."""
        if self._open:
            try:
                async with asyncio.timeout(timeout):
                    await self._over.wait()
            except TimeoutError:
                pass
        return self._open


class Confirmations(Generic[M]):
    """The questions that are open."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._confirmations: dict[int, Confirmation[M]] = {}

    def begin(self, members: Iterable[M]) -> Confirmation[M]:
        """A question to ``members``, under a number of its own."""
        started = Confirmation(next(self._numbers), members)
        self._confirmations[started.number] = started
        return started

    async def end(self, started: Confirmation[M], timeout: float) -> set[M]:
        """Wait for the answers; the members that have not answered within ``timeout`` seconds."""
        try:
            return await started.wait(timeout)
        finally:
            del self._confirmations[started.number]

    def answered(self, number: int, member: M) -> None:
        """``member`` has answered the question of this number."""
        if number in self._confirmations:
            self._confirmations[number].strike(member)

    def gone(self, member: M) -> None:
        """``member`` will answer nothing any more."""
        for started in self._confirmations.values():
            started.strike(member)
