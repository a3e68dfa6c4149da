"""``memory://``: signals and queues inside one process, with the promises of the real ones."""

import asyncio
import heapq
import itertools
import logging
import weakref
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, TypeVar, Unpack, cast

from microagent.broker import AbstractQueueBroker, BrokerOptions
from microagent.bus import AbstractSignalBus, BusOptions
from microagent.channel import Pattern
from microagent.counted import CountedLog
from microagent.delivery import ACK, DeadLetter, Delivery, HeadedDelivery, Outgoing, Settlement, Verdict
from microagent.headers import as_text

INBOX = 10_000  # signals that wait for one bus; what comes beyond them is dropped
SWEEP = 1.0  # seconds between looks at leases

S = TypeVar("S")


class _Waiters:
    """Those who wait for something to happen on their loop."""

    def __init__(self) -> None:
        self._futures: set[asyncio.Future[None]] = set()

    async def wait(self, timeout: float | None) -> None:
        future = asyncio.get_running_loop().create_future()
        self._futures.add(future)
        try:
            await asyncio.wait([future], timeout=timeout)
        finally:
            self._futures.discard(future)

    def wake(self) -> None:
        loop = asyncio.get_running_loop()
        for future in self._futures:
            if not future.done() and future.get_loop() is loop:
                future.set_result(None)


@dataclass(slots=True)
class _Message:
    number: int
    body: bytes
    headers: dict[str, str]
    failed: int = 0
    crashes: int = 0


class _Buried(NamedTuple):
    letter: DeadLetter
    headers: dict[str, str]


class _Queue:
    """One queue: what is new or comes again (in order of arrival), delayed, leased (by token, until when) and dead."""

    def __init__(self) -> None:
        self.new: deque[_Message] = deque()
        self.again: list[tuple[int, _Message]] = []
        self.delayed: list[tuple[float, int, _Message]] = []
        self.leased: dict[int, tuple[_Message, float]] = {}
        self.dead: dict[str, _Buried] = {}  # by their ids, in the order of their burial
        self.waiters = _Waiters()
        self._numbers = itertools.count(1)
        self._tokens = itertools.count(1)

    def __len__(self) -> int:
        """How many messages are ready."""
        return len(self.again) + len(self.new)

    def put(self, body: bytes, headers: dict[str, str]) -> None:
        self.new.append(_Message(next(self._numbers), body, headers))
        self.waiters.wake()

    def put_off(self, body: bytes, headers: dict[str, str], due: float) -> None:
        self._delay(_Message(next(self._numbers), body, headers), due)

    def _delay(self, message: _Message, due: float) -> None:
        heapq.heappush(self.delayed, (due, message.number, message))
        self.waiters.wake()

    def _come_again(self, message: _Message) -> None:
        heapq.heappush(self.again, (message.number, message))
        self.waiters.wake()

    def promote(self, now: float) -> None:
        while self.delayed and self.delayed[0][0] <= now:
            self._come_again(heapq.heappop(self.delayed)[-1])

    def reap(self, now: float) -> None:
        """What a silent holder had comes back, its run counted as one that ended with its process."""
        for token in [token for token, (_, until) in self.leased.items() if until <= now]:
            message, _ = self.leased.pop(token)
            message.crashes += 1
            self._come_again(message)

    def take(self, name: str, limit: int, until: float) -> list[Delivery]:
        return [self._leased(name, until) for _ in range(min(limit, len(self)))]

    def _leased(self, name: str, until: float) -> Delivery:
        message = heapq.heappop(self.again)[1] if self.again else self.new.popleft()
        token = next(self._tokens)
        self.leased[token] = message, until
        return HeadedDelivery(
            message.headers, name, message.body, message.failed + 1, message.crashes, str(message.number), token
        )

    def settle(self, settlement: Settlement, now: float) -> None:
        lease = self.leased.pop(settlement.delivery.token, None)
        if lease is None:
            return
        message, _ = lease
        if settlement.verdict is ACK:
            return
        if settlement.verdict is Verdict.RETRY:
            message.failed += 1
            self._delay(message, now + settlement.delay)
        elif settlement.verdict is Verdict.RELEASE:
            self._come_again(message)
        elif settlement.verdict is Verdict.BURY:
            delivery = settlement.delivery
            letter = DeadLetter(
                delivery.queue, delivery.body, settlement.reason, delivery.attempt, id=str(message.number)
            )
            self.dead[letter.id] = _Buried(letter, message.headers)

    def renew(self, token: Any, until: float) -> bool:
        lease = self.leased.get(token)
        if lease is not None:
            self.leased[token] = lease[0], until
        return lease is not None


def _texts(headers: Mapping[str, str | bytes]) -> dict[str, str]:
    return {name: as_text(value) for name, value in headers.items()}


class _Store:
    """The queues of one place."""

    def __init__(self) -> None:
        self.queues: defaultdict[str, _Queue] = defaultdict(_Queue)


class _Air:
    """The subscriptions of one place: by the head of the channels, then by bus, its tags."""

    def __init__(self) -> None:
        self.listeners: defaultdict[str, dict[MemorySignalBus, set[str]]] = defaultdict(dict)


class _Places(weakref.WeakValueDictionary[tuple[type, str], Any]):
    """What goes by a name is shared while somebody uses it; what has none is private."""

    def at(self, kind: type[S], dsn: str) -> S:
        name = dsn.partition("://")[2]
        if not name:
            return kind()
        place = self.get((kind, name))
        if place is None:
            place = self[kind, name] = kind()
        return cast("S", place)


_places = _Places()


class MemoryBroker(AbstractQueueBroker):
    """
    Queues in the memory of this process, gone with it: for tests and tools.

    ``memory://`` is private to the object, ``memory://name`` is shared by all of that name.
    It stands in for any server, so a queue may be declared, and a message sent, with what it does not heed; of what
    ``send`` takes elsewhere, it heeds ``headers``.
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
        self._store = _places.at(_Store, dsn)

    async def _open(self) -> None:
        pass

    async def _close(self) -> None:
        pass

    async def _push(self, batch: Sequence[Outgoing]) -> list[Exception | None]:
        for message in batch:
            queue, headers = self._store.queues[message.queue], _texts(message.options.get("headers") or {})
            if message.delay:
                queue.put_off(message.body, headers, self._now() + message.delay)
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

    async def _settle(self, batch: Sequence[Settlement]) -> None:
        now = self._now()
        for settlement in batch:
            self._store.queues[settlement.delivery.queue].settle(settlement, now)

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

    def _forget(self, name: str, there: Sequence[_Buried]) -> int:
        for each in there:
            del self._store.queues[name].dead[each.letter.id]
        return len(there)

    def _there(self, name: str, letters: Sequence[DeadLetter]) -> list[_Buried]:
        """Those that nobody has taken away, each once."""
        dead = self._store.queues[name].dead
        return [dead[each] for each in dict.fromkeys(letter.id for letter in letters) if each in dead]

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


class MemorySignalBus(AbstractSignalBus):
    """
    Signals inside this process: for tests and tools.

    ``memory://`` is private to the object, ``memory://name`` is shared by all of that name.
    """

    SCHEMES = frozenset({"memory"})

    def __init__(
        self,
        dsn: str = "memory://",
        uid: str | None = None,
        prefix: str = "PUBSUB",
        log: logging.Logger = logging.getLogger("microagent.bus"),  # noqa: B008 - the manual's signature
        **options: Unpack[BusOptions],
    ) -> None:
        super().__init__(dsn, uid, prefix, log, **options)
        self._air = _places.at(_Air, dsn)
        self._inbox: deque[tuple[str, bytes]] = deque()
        self._waiters = _Waiters()
        self._dropped = CountedLog(log, "%r is read too slowly: %d signals dropped", arguments=(self,))

    async def _open(self) -> None:
        pass

    async def _close(self) -> None:
        for listeners in self._air.listeners.values():
            listeners.pop(self, None)
        self._inbox.clear()

    async def _publish(self, batch: Sequence[tuple[str, bytes]]) -> list[int | None]:
        return [self._send(channel, body) for channel, body in batch]

    def _send(self, channel: str, body: bytes) -> int:
        reached = 0
        head = channel[: channel.rfind(":") + 1]
        for bus, tags in self._air.listeners.get(head, {}).items():
            if any(tag in channel for tag in tags):
                bus._put(channel, body)
                reached += 1
        return reached

    def _put(self, channel: str, body: bytes) -> None:
        if len(self._inbox) >= INBOX:
            self._dropped.add()
            return
        self._inbox.append((channel, body))
        self._waiters.wake()

    async def _subscribe(self, patterns: Sequence[Pattern]) -> None:
        for pattern in patterns:
            self._air.listeners[pattern.head].setdefault(self, set()).add(pattern.tag)

    async def _unsubscribe(self, patterns: Sequence[Pattern]) -> None:
        for pattern in patterns:
            listeners = self._air.listeners[pattern.head]
            tags = listeners.get(self, set())
            tags.discard(pattern.tag)
            if not tags:
                listeners.pop(self, None)

    async def _receive(self) -> list[tuple[str, bytes]]:
        while not self._inbox:
            await self._waiters.wait(None)
        batch = list(self._inbox)
        self._inbox.clear()
        return batch
