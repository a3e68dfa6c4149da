"""One queue in memory: its messages, their leases and retries, and its dead letters."""

import heapq
import itertools
from collections import deque
from dataclasses import dataclass
from typing import Any, NamedTuple

from microagent.delivery import ACK, DeadLetter, Delivery, HeadedDelivery, Verdict
from microagent.tools.memory.waiting import Waiters


@dataclass(slots=True)
class Message:
    """A message in a queue; ``number`` is its place in the order of arrival."""

    number: int
    body: bytes
    headers: dict[str, str]
    failed: int = 0
    crashes: int = 0


class Buried(NamedTuple):
    """A dead letter, with the headers of its message."""

    letter: DeadLetter
    headers: dict[str, str]


class MemoryQueue:
    """The messages of one queue. Times are those of the event loop's clock, in seconds."""

    def __init__(self) -> None:
        self.new: deque[Message] = deque()
        self.again: list[tuple[int, Message]] = []  # a heap, by number: ready again, and taken before new ones
        self.delayed: list[tuple[float, int, Message]] = []  # a heap, by when they are due
        self.leased: dict[int, tuple[Message, float]] = {}  # by token, with the time when the lease expires
        self.dead: dict[str, Buried] = {}  # by id, the oldest first
        self.waiters = Waiters()
        self._numbers = itertools.count(1)
        self._tokens = itertools.count(1)

    def __len__(self) -> int:
        """The number of messages that are ready."""
        return len(self.again) + len(self.new)

    def put(self, body: bytes, headers: dict[str, str]) -> None:
        """Add a message that is ready."""
        self.new.append(Message(next(self._numbers), body, headers))
        self.waiters.wake()

    def put_delayed(self, body: bytes, headers: dict[str, str], due: float) -> None:
        """Add a message that is ready at ``due``."""
        self._delay(Message(next(self._numbers), body, headers), due)

    def _delay(self, message: Message, due: float) -> None:
        heapq.heappush(self.delayed, (due, message.number, message))
        self.waiters.wake()

    def _come_again(self, message: Message) -> None:
        heapq.heappush(self.again, (message.number, message))
        self.waiters.wake()

    def promote(self, now: float) -> None:
        """Make delayed messages that are due ready."""
        while self.delayed and self.delayed[0][0] <= now:
            self._come_again(heapq.heappop(self.delayed)[-1])

    def reap(self, now: float) -> None:
        """Make messages with an expired lease ready again, and count their run as crashed."""
        for token in [token for token, (_, until) in self.leased.items() if until <= now]:
            message, _ = self.leased.pop(token)
            message.crashes += 1
            self._come_again(message)

    def take(self, name: str, limit: int, until: float) -> list[Delivery]:
        """Lease up to ``limit`` messages until ``until``; ``name`` is that of the queue."""
        return [self._leased(name, until) for _ in range(min(limit, len(self)))]

    def _leased(self, name: str, until: float) -> Delivery:
        message = heapq.heappop(self.again)[1] if self.again else self.new.popleft()
        token = next(self._tokens)
        self.leased[token] = message, until
        facts = name, message.body, message.failed + 1, message.crashes, str(message.number), token
        return HeadedDelivery(message.headers, *facts) if message.headers else Delivery(*facts)

    def settle(self, delivery: Delivery, now: float) -> None:
        """Carry out a verdict, unless the lease is lost."""
        lease = self.leased.pop(delivery.token, None)
        if lease is None:
            return
        message, _ = lease
        if delivery.verdict is ACK:
            return
        if delivery.verdict is Verdict.RETRY:
            message.failed += 1
            self._delay(message, now + delivery.delay)
        elif delivery.verdict is Verdict.RELEASE:
            self._come_again(message)
        elif delivery.verdict is Verdict.BURY:
            letter = DeadLetter(
                delivery.queue, delivery.body, delivery.reason, delivery.attempt, id=str(message.number)
            )
            self.dead[letter.id] = Buried(letter, message.headers)

    def renew(self, token: Any, until: float) -> bool:
        """Extend a lease; False if it is lost."""
        lease = self.leased.get(token)
        if lease is not None:
            self.leased[token] = lease[0], until
        return lease is not None
