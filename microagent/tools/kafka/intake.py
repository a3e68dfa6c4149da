"""Consuming one queue: a member of its group, and a ledger for each partition that the group gives it."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeAlias

from aiokafka.errors import CommitFailedError, ConsumerStoppedError, IllegalStateError

from microagent import wallclock
from microagent.beginning import begun
from microagent.delivery import Delivery
from microagent.errors import BackendError
from microagent.tasks import is_cancelled
from microagent.tools.kafka import messages
from microagent.tools.kafka.driver import (
    Admin,
    Consumer,
    Mark,
    Partition,
    Record,
    ask_for,
    begin,
    committed,
    end,
    is_connected,
    listener,
    read_on,
    term,
)
from microagent.tools.kafka.errors import translated
from microagent.tools.kafka.ledger import Ledger, Order
from microagent.tools.kafka.topics import Topics

FETCHED = 500  # messages that the driver hands over at once, at most
PATIENCE = 2.0  # longest that a rebalance waits for handlers, in seconds


Held: TypeAlias = tuple["Intake", Ledger, Record]
"""The token of a delivery: which message of which partition."""


class Intake:
    """
    Reads a queue and its retry topics as a member of a consumer group.

    :param make: makes the driver's consumer
    :param admin: asked for what the group has committed
    :param order: of the messages of a partition
    :param patience: seconds that a rebalance waits for the handlers that run
    """

    def __init__(
        self,
        topics: Topics,
        make: Callable[[], Consumer],
        admin: Admin,
        *,
        order: Order,
        patience: float,
        log: logging.Logger,
    ) -> None:
        self.topics = topics
        self._admin = admin
        self._order: Order = order
        self._patience = min(patience, PATIENCE)
        self._log = log
        self._ledgers: dict[Partition, Ledger] = {}
        self._waiting: asyncio.Timeout | None = None
        self._settled = asyncio.Event()
        self._is_full = False  # not everything is read on
        self._is_rebalancing = False
        self._is_left_out = False  # the group takes no commits of ours: it may have given our partitions to others
        self._unsure: frozenset[Partition] = frozenset()  # where others may have gone on meanwhile
        self._term = ("", 0)  # in which the group has given us our partitions
        self._committing = asyncio.Lock()
        self._telling: asyncio.Task[None] | None = None  # the commit that is under way
        self._consumer = make()

    async def start(self, patience: float) -> None:
        """
        Join the group; return when it has given out its partitions, or after ``patience`` seconds.

        A member that ended without taking leave keeps the others waiting for as long as its lease.

        :raises BackendConnectionError: if the server is away
        :raises AuthError: if it does not let us
        :raises ConfigurationError: if the lease is none that it takes
        """
        with translated():
            await begin(self._consumer)
        self._consumer.subscribe(self.topics.consumed, listener=listener(self._revoked, self._assigned))
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._enter()

    @property
    def is_connected(self) -> bool:
        """Whether a server is there, as far as that is known without asking it."""
        return is_connected(self._consumer)

    async def close(self) -> None:
        """Leave the group; its other members get the partitions."""
        self._forget(self._ledgers.keys())
        with translated():
            await end(self._consumer)

    # -- taking

    def take(self, limit: int) -> list[Delivery]:
        """What is here already; nothing while the group decides who gets what, or has done so without us."""
        taken: list[Delivery] = []
        if self._pauses:
            return taken
        queue, now, consumer = self.topics.queue, wallclock.now().timestamp(), self._consumer
        for partition, ledger in self._ledgers.items():
            place = messages.place(*partition)
            for record in ledger.take(limit - len(taken), now):
                taken.append(messages.delivery(queue, place, record, (self, ledger, record), consumer))
        self._rotate()
        return taken

    @property
    def _pauses(self) -> bool:
        return self._is_rebalancing or self._is_left_out or bool(self._unsure)

    def _rotate(self) -> None:
        """The next take begins with another partition, so that a busy one does not starve the others."""
        if self._ledgers:
            first = next(iter(self._ledgers))
            self._ledgers[first] = self._ledgers.pop(first)

    async def wait(self, timeout: float) -> None:
        """Read on, until there may be something to take or for ``timeout`` seconds."""
        timeout = min(timeout, self._until_due())
        if timeout > 0:
            try:
                async with asyncio.timeout(timeout) as self._waiting:
                    await self._read(timeout)
            except TimeoutError:
                pass
            finally:
                self._waiting = None

    def _change(self) -> None:
        """There may be something to take, or somewhere to read: whoever waits goes on."""
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(0)

    def _waits_too_long(self) -> bool:
        """Whether there is something to take before the wait that is under way is over."""
        end = None if self._waiting is None else self._waiting.when()
        return end is not None and asyncio.get_running_loop().time() + self._until_due() < end

    def _until_due(self) -> float:
        if self._pauses:
            return float("inf")
        moments = [moment for ledger in self._ledgers.values() if (moment := ledger.due()) is not None]
        return min(moments, default=float("inf")) - wallclock.now().timestamp()

    async def _read_beside(self) -> None:
        """Where nothing waits here, what has come does not stand behind what waits elsewhere: retries are due soon."""
        now = wallclock.now().timestamp()
        ready = {place for place, ledger in self._ledgers.items() if ledger.is_ready(now)}
        others = [place for place, ledger in self._ledgers.items() if place not in ready and ledger.has_room]
        if ready and others and not self._pauses:
            await self._enter(*others)

    async def _read(self, timeout: float) -> None:
        """Have the driver's messages entered; cancelled, it has entered them or left them with the driver."""
        open_ones = [place for place, ledger in self._ledgers.items() if ledger.has_room]
        self._is_full = len(open_ones) < len(self._ledgers)
        if self._ledgers and not open_ones:
            await asyncio.sleep(timeout)
        else:
            await self._enter(*open_ones, timeout=timeout)

    async def _enter(self, *places: Partition, timeout: float = 0) -> None:
        """What the driver has of these partitions or of all, as soon as there are any."""
        if timeout:
            read_on(self._consumer, is_busy=False)
        with translated():
            records = await self._consumer.getmany(*places, timeout_ms=round(timeout * 1000), max_records=FETCHED)
        if records:
            read_on(self._consumer, is_busy=True)
        for place, batch in records.items():
            self._ledger(place).add(batch)

    # -- settling

    async def settled(self) -> None:
        """Messages have come to an end in their ledgers: whoever waits for that goes on, and the group is told."""
        self._settled.set()
        if self._is_full or self._waits_too_long():
            self._change()
        await self.commit()

    async def commit(self) -> None:
        """Tell the group what is handled, of what it has not been told yet."""
        async with self._committing:
            sure = ((place, ledger) for place, ledger in self._ledgers.items() if place not in self._unsure)
            marks = {place: mark for place, ledger in sure if (mark := ledger.to_commit())}
            if marks:
                await self._commit(marks)

    async def tend(self) -> None:
        """Do what could not be done when it was due."""
        ask_for(self._consumer, self.topics.consumed)
        if self._unsure:
            await self._begin()
        await self._read_beside()
        await self.commit()

    async def _commit(self, marks: dict[Partition, Mark]) -> None:
        ledgers = {place: self._ledgers[place] for place in marks}
        try:
            with translated():
                await self._tell(marks)
        except BackendError as error:
            if not isinstance(error.__cause__, (CommitFailedError, IllegalStateError, ConsumerStoppedError)):
                raise
            self._is_left_out = True
            self._log.debug("%s: nothing committed, the group changes", self.topics.queue)
        else:
            self._take_part()
            for place, mark in marks.items():
                ledgers[place].committed(mark)

    async def _tell(self, marks: dict[Partition, Mark]) -> None:
        """
        Servers look at who commits, and not at whether the partition is theirs; of a group without members, they take
        commits of strangers. So nothing is told in another term than the one in which the partitions were ours.
        """
        if term(self._consumer) != self._term:
            raise CommitFailedError("The group has changed")
        commit = self._consumer.commit(marks)
        self._telling = begun(asyncio.get_running_loop(), commit, f"{self.topics.queue}: commit")
        try:
            await self._telling
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            raise CommitFailedError("The group has changed meanwhile") from None

    @property
    def is_telling(self) -> bool:
        """Whether a commit is under way."""
        return self._telling is not None and not self._telling.done()

    def _stop_telling(self) -> None:
        """The driver tries a commit again and again, in the next term as well."""
        if self._telling is not None and term(self._consumer) != self._term:
            self._telling.cancel()

    # -- partitions come and go

    async def _revoked(self, places: set[Partition]) -> None:
        """The group is to change: handlers that run get a moment, and what they finish is committed."""
        self._is_rebalancing = True
        self._stop_telling()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                while any(ledger.held for ledger in self._ledgers.values()):
                    self._settled.clear()
                    await self._settled.wait()
        await self.commit()

    async def _assigned(self, places: set[Partition]) -> None:
        """Partitions that stay keep their ledgers, so that what is held is not handed out again."""
        self._forget(self._ledgers.keys() - places)
        self._stop_telling()
        self._term = term(self._consumer)
        self._unsure = frozenset(places)
        self._is_rebalancing = self._is_left_out = False
        await self._begin()

    def _take_part(self) -> None:
        if self._is_left_out:
            self._is_left_out = False
            self._change()

    async def _begin(self) -> None:
        """Learn what the group has committed of the partitions that it has given us."""
        unsure = self._unsure
        with translated():
            marks = await committed(self._admin, self.topics.group, unsure)
        if unsure is not self._unsure or self._is_rebalancing:
            return  # the group has changed meanwhile, or is about to: it is asked again
        self._unsure = frozenset()
        for place in unsure:
            self._go_on(place, marks.get(place))
        self._change()

    def _go_on(self, place: Partition, mark: Mark | None) -> None:
        """A partition stays as it was, unless others had it while the group did without us."""
        ledger = self._ledger(place)
        if mark is not None and ledger.has_begun and not ledger.knows(mark):
            self._forget([place])
            ledger = self._ledger(place)
            self._consumer.seek(place, mark.offset)
        elif ledger.next_offset:
            self._consumer.seek(place, ledger.next_offset)
        ledger.begin(mark)

    def _ledger(self, place: Partition) -> Ledger:
        if place not in self._ledgers:
            self._ledgers[place] = Ledger(self._order if place.topic == self.topics.queue else None)
        return self._ledgers[place]

    def _forget(self, places: Iterable[Partition]) -> None:
        for place in tuple(places):
            self._ledgers.pop(place).lost = True
