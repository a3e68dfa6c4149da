"""Looking without touching: how much of a queue is not handled, and what lies in a topic."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

from microagent.errors import BackendConnectionError
from microagent.tools.kafka.driver import Admin, Consumer, Mark, Partition, Record, committed, end
from microagent.tools.kafka.errors import translated
from microagent.tools.kafka.notes import read
from microagent.tools.kafka.topics import Topics

LOOK = 1.0  # seconds to wait for messages that are there
PORTION = 500  # records that are taken from what the driver has fetched, which may be far more than is wanted
PATIENCE = 10  # looks in a row that bring nothing, until the server counts as away

Bounds = Mapping[Partition, tuple[int, int]]


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
            places = await self.places(topics.consumed)
            marks = await committed(self._admin, topics.group, places)
            bounds = await self.bounds(places)
        return sum(_not_handled(*bounds[place], marks.get(place)) for place in places)

    async def bounds(self, places: Sequence[Partition]) -> Bounds:
        """The offsets of the first and after the last message of each."""
        async with self._measuring:
            if self._measure is None:
                self._measure = await _started(self._make())
            firsts = await self._measure.beginning_offsets(places)
            ends = await self._measure.end_offsets(places)
        return {place: (firsts[place], ends[place]) for place in places}

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Consumer]:
        """
        A consumer that has been assigned nothing yet.

        Each has one of its own, so that it need not wait for what another one has asked the server for.
        """
        reader = await _started(self._make())
        try:
            yield reader
        finally:
            await end(reader)

    async def places(self, topics: Collection[str]) -> list[Partition]:
        """The partitions of those topics that there are; asking for one by its name could create it."""
        return [
            Partition(topic["topic"], partition["partition"])
            for topic in await self._admin.describe_topics()
            if topic["topic"] in topics
            for partition in topic["partitions"]
        ]


async def read_through(
    reader: Consumer, bounds: Bounds, is_enough: Callable[[Partition, Sequence[Record]], bool | None]
) -> None:
    """
    Tell of all that is within bounds as it comes, until they are reached.

    :param is_enough: called with what came of a partition; whether no more is wanted of that
    :raises BackendConnectionError: if nothing comes for long
    """
    left = {place: end for place, (first, end) in bounds.items() if first < end}
    reader.assign([*left])
    for place in left:
        reader.seek(place, bounds[place][0])
    silent = 0
    while left:
        batch = await reader.getmany(*left, timeout_ms=round(LOOK * 1000), max_records=PORTION)
        done = [place for place, those in batch.items() if is_enough(place, _before(left[place], those))]
        done += [place for place, last in left.items() if await _position(reader, place) >= last]
        left = {place: last for place, last in left.items() if place not in done}
        silent = 0 if batch or done else silent + 1
        if silent == PATIENCE:
            raise BackendConnectionError(f"no answer in time: nothing comes from topic '{next(iter(left)).topic}'")


def _before(end: int, records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.offset < end]


async def _position(reader: Consumer, place: Partition) -> int:
    """Up to where a partition is read: what was deleted meanwhile, or is no message, is read over; 0: not known yet."""
    try:
        async with asyncio.timeout(LOOK):
            return await reader.position(place)
    except TimeoutError:
        return 0


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
