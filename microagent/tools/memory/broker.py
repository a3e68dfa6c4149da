"""Queues of ``memory://``."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Unpack

from microagent.broker import AbstractQueueBroker, BrokerOptions
from microagent.delivery import DeadLetter, Delivery, Outgoing
from microagent.headers import as_text
from microagent.tools.memory.queue import Buried, MemoryQueue
from microagent.tools.memory.shared import shared

SWEEP = 1.0  # seconds between two checks for expired leases


class Store:
    """All queues of one DSN, by name."""

    def __init__(self) -> None:
        self.queues: defaultdict[str, MemoryQueue] = defaultdict(MemoryQueue)


class MemoryBroker(AbstractQueueBroker):
    """
    Queues in the memory of this process, for tests and tools; messages are lost when it ends.

    It can replace any other broker in tests: declarations and ``send`` may use options of other backends, which are
    ignored except ``headers``.

    :param dsn: ``memory://``: queues of this object alone; ``memory://name``: shared by all objects with that name
    :param options: those of :class:`AbstractQueueBroker`
    """

    SCHEMES = frozenset({"memory"})
    SUPPORTS = frozenset({"exchange", "quorum"})
    SEND_OPTIONS = None

    def __init__(
        self,
        dsn: str = "memory://",
        uid: str | None = None,
        log: logging.Logger = logging.getLogger("microagent.broker"),  # noqa: B008 - the manual's signature
        **options: Unpack[BrokerOptions],
    ) -> None:
        super().__init__(dsn, uid, log, **options)
        self._store = shared(Store, dsn)

    async def _open(self) -> None:
        pass

    async def _close(self) -> None:
        pass

    async def _push(self, batch: Sequence[Outgoing]) -> list[Exception | None]:
        for message in batch:
            queue, headers = self._store.queues[message.queue], _texts(message.options.get("headers") or {})
            if message.delay:
                queue.put_delayed(message.body, headers, self._now() + message.delay)
            else:
                queue.put(message.body, headers)
        return [None] * len(batch)

    async def _take(self, name: str, limit: int) -> list[Delivery]:
        queue, now = self._store.queues[name], self._now()
        queue.promote(now)
        return queue.take(name, limit, now + self._lease)

    async def _wait(self, name: str, timeout: float) -> None:
        queue = self._store.queues[name]
        if queue.delayed:
            timeout = min(timeout, max(0.0, queue.delayed[0][0] - self._now()))
        if not len(queue):
            await queue.waiters.wait(timeout)

    async def _settle(self, batch: Sequence[Delivery]) -> None:
        now = self._now()
        for delivery in batch:
            self._store.queues[delivery.queue].settle(delivery, now)

    async def _renew(self, held: Sequence[Delivery]) -> set[Delivery]:
        until = self._now() + self._lease
        return {delivery for delivery in held if not self._store.queues[delivery.queue].renew(delivery.token, until)}

    async def _maintain(self, name: str) -> float:
        self._store.queues[name].reap(self._now())
        return min(SWEEP, self._lease / 4)

    async def _length(self, name: str) -> int:
        queue = self._store.queues[name]
        return len(queue) + len(queue.delayed)

    async def _dead(self, name: str, limit: int) -> list[DeadLetter]:
        return [each.letter for each in islice(self._store.queues[name].dead.values(), limit)]

    async def _resend(self, name: str, letters: Sequence[DeadLetter]) -> int:
        there = self._there(name, letters)
        await self._push([Outgoing(name, each.letter.body, {"headers": each.headers}) for each in there])
        return self._forget(name, there)

    async def _discard(self, name: str, letters: Sequence[DeadLetter]) -> int:
        return self._forget(name, self._there(name, letters))

    def _forget(self, name: str, there: Sequence[Buried]) -> int:
        for each in there:
            del self._store.queues[name].dead[each.letter.id]
        return len(there)

    def _there(self, name: str, letters: Sequence[DeadLetter]) -> list[Buried]:
        """Those of the letters that still exist, each once."""
        dead = self._store.queues[name].dead
        return [dead[each] for each in dict.fromkeys(letter.id for letter in letters) if each in dead]

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _texts(headers: Mapping[str, str | bytes]) -> dict[str, str]:
    return {name: as_text(value) for name, value in headers.items()}
