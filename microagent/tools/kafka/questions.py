"""Looking without touching: how much of a queue is not handled, and what its dead letters are."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

from microagent.tools.kafka.driver import Admin, Consumer, Mark, Partition, Record, committed, end
from microagent.tools.kafka.errors import translated
from microagent.tools.kafka.messages import by_age
from microagent.tools.kafka.notes import read
from microagent.tools.kafka.topics import Topics

LOOK = 1000  # milliseconds to wait for messages that are there


class Questions:
    """
    Asks on connections that no group knows of.

    :param make: makes the driver's consumer, without a group, that reads from the first message on
    """

    def __init__(self, admin: Admin, make: Callable[[], Consumer]) -> None:
        self._admin = admin
        self._make = make
        self._measure: Consumer | None = None  # reads nothing, and learns every topic but once
        self._measuring = asyncio.Lock()

    async def close(self) -> None:
        measure, self._measure = self._measure, None
        if measure is not None:
            await end(measure)

    async def lag(self, topics: Topics) -> int:
        """How many messages of the queue its group has not handled, those that wait for their next try included."""
        with translated():
            places = await self._places(topics.consumed)
            marks = await committed(self._admin, topics.group, places)
            bounds = await self._bounds(places)
        return sum(_not_handled(*bounds[place], marks.get(place)) for place in places)

    async def _bounds(self, places: Sequence[Partition]) -> Mapping[Partition, tuple[int, int]]:
        """The offsets of the first and after the last message of each."""
        async with self._measuring:
            if self._measure is None:
                self._measure = await _started(self._make())
            firsts = await self._measure.beginning_offsets(places)
            ends = await self._measure.end_offsets(places)
        return {place: (firsts[place], ends[place]) for place in places}

    async def dead(self, topics: Topics, limit: int) -> Sequence[Record]:
        """The oldest dead letters."""
        with translated():
            places = await self._places([topics.dead])
            async with self._reading(places) as reader:
                bounds = await self._bounds(places)
                left = {place: min(end, first + limit) for place, (first, end) in bounds.items() if end > first}
                found = await _read(reader, left)
        return by_age(found)[:limit]

    @asynccontextmanager
    async def _reading(self, places: Sequence[Partition]) -> AsyncGenerator[Consumer]:
        """A consumer of its own, so that it need not wait for what another one has asked the server for."""
        reader = self._make()
        reader.assign(places)
        await _started(reader)
        try:
            yield reader
        finally:
            await end(reader)

    async def _places(self, topics: Collection[str]) -> list[Partition]:
        """The partitions of those topics that there are; asking for one by its name could create it."""
        return [
            Partition(topic["topic"], partition["partition"])
            for topic in await self._admin.describe_topics()
            if topic["topic"] in topics
            for partition in topic["partitions"]
        ]


def _not_handled(first: int, end: int, committed: Mark | None) -> int:
    if committed is None:
        return end - first
    begin = max(first, committed.offset)
    handled = sum(1 for offset in read(*committed) if begin <= offset < end)
    return max(0, end - begin - handled)


async def _started(consumer: Consumer) -> Consumer:
    try:
        await consumer.start()
    except BaseException:
        await end(consumer)
        raise
    return consumer


async def _read(reader: Consumer, ends: Mapping[Partition, int]) -> list[Record]:
    """What is in each partition before its end."""
    left = dict(ends)
    found: list[Record] = []
    while left and (batch := await reader.getmany(*left, timeout_ms=LOOK)):
        for place, records in batch.items():
            found.extend(record for record in records if record.offset < left[place])
            if records[-1].offset + 1 >= left[place]:
                del left[place]
    return found
