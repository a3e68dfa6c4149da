"""Waiting until all peers have confirmed something, or are gone."""

import asyncio
import itertools
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

M = TypeVar("M", bound=Hashable)


class Confirmation(Generic[M]):
    """The confirmation of one request by some members."""

    def __init__(self, number: int, members: Iterable[M]) -> None:
        self.number = number
        self._open = set(members)
        self._over = asyncio.Event()

    def strike(self, member: M) -> None:
        """``member`` has confirmed, or is gone."""
        self._open.discard(member)
        if not self._open:
            self._over.set()

    async def wait(self, timeout: float) -> set[M]:
        """Return the members that have not confirmed within ``timeout`` seconds."""
        if self._open:
            try:
                async with asyncio.timeout(timeout):
                    await self._over.wait()
            except TimeoutError:
                pass
        return self._open


class Confirmations(Generic[M]):
    """The requests that are not yet confirmed by all."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._confirmations: dict[int, Confirmation[M]] = {}

    def begin(self, members: Iterable[M]) -> Confirmation[M]:
        """Start to wait for ``members``; the request gets a number of its own."""
        started = Confirmation(next(self._numbers), members)
        self._confirmations[started.number] = started
        return started

    async def end(self, started: Confirmation[M], timeout: float) -> set[M]:
        """Wait for the confirmations; return the members that have not confirmed within ``timeout`` seconds."""
        try:
            return await started.wait(timeout)
        finally:
            del self._confirmations[started.number]

    def answered(self, number: int, member: M) -> None:
        """``member`` has confirmed the request of this number."""
        if number in self._confirmations:
            self._confirmations[number].strike(member)

    def gone(self, member: M) -> None:
        """``member`` will confirm nothing any more."""
        for started in self._confirmations.values():
            started.strike(member)
