"""Sharing out messages to partitions, so that those of one partition are written together."""

import random
from collections.abc import Sequence
from functools import lru_cache
from itertools import cycle, islice
from typing import Any, NamedTuple, cast

from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from microagent.errors import BackendError, ConfigurationError
from microagent.tools.kafka.driver import Batch, Producer, partitions
from microagent.tools.kafka.errors import TOO_LARGE, ours
from microagent.tools.kafka.messages import NO_HEADERS, Headers

LARGEST = 64 * 2**20  # bytes of a message; the server's own limit is smaller, and says so
KEYS = 4096  # whose partitions are remembered: to find one takes as long as all the rest


class Letter(NamedTuple):
    """A message with its address; ``partition`` None: by its key, or any."""

    topic: str
    body: bytes
    key: bytes | None = None
    headers: Headers = NO_HEADERS
    partition: int | None = None


class Portion:
    """
    Messages that go to one partition together.

    :ivar numbers: which ones they are, of all that are to be written
    """

    __slots__ = ("batch", "letters", "numbers", "partition", "topic")

    def __init__(self, topic: str, partition: int, batch: Batch) -> None:
        self.topic = topic
        self.partition = partition
        self.batch = batch
        self.letters: list[Letter] = []
        self.numbers: list[int] = []

    def add(self, number: int, letter: Letter) -> bool:
        """Whether there was room for it."""
        taken = self.batch.append(timestamp=None, key=letter.key, value=letter.body, headers=letter.headers)
        if taken is None:
            return False
        self.letters.append(letter)
        self.numbers.append(number)
        return True


class Route:
    """Where the messages of a topic go: those without a key to all its partitions in turn."""

    def __init__(self, topic: str, every: Sequence[int], available: Sequence[int]) -> None:
        self._topic = topic
        self._every = every
        start = random.randrange(len(available))
        self._turns = islice(cycle(available), start, None)

    def partition(self, letter: Letter) -> int:
        """
        The partition of one of them.

        :raises ConfigurationError: if it is to go to one that there is not
        :raises BackendError: if no server would take it
        """
        if len(letter.body) > LARGEST:
            raise ours(TOO_LARGE[0]())
        if letter.partition is not None:
            if letter.partition not in self._every:
                raise ConfigurationError(f"topic '{self._topic}' has no partition {letter.partition}")
            return letter.partition
        return next(self._turns) if letter.key is None else self._every[place_of(letter.key, len(self._every))]


@lru_cache(KEYS)
def place_of(key: bytes, count: int) -> int:
    """Which of so many partitions a key belongs to, as all clients of Kafka find it."""
    return int(cast("Any", DefaultPartitioner())(key, range(count), ()))


async def packed(producer: Producer, letters: Sequence[Letter], results: list[Exception | None]) -> list[Portion]:
    """The messages by partition, in their order; ``results`` gets why one of them cannot be written."""
    routes: dict[str, Route | Exception] = {topic: await _route(producer, topic) for topic in _topics(letters)}
    portions: list[Portion] = []
    filling: dict[tuple[str, int], Portion] = {}
    for number, letter in enumerate(letters):
        route = routes[letter.topic]
        try:
            if isinstance(route, Exception):
                raise route
            place = letter.topic, route.partition(letter)
        except (BackendError, ConfigurationError) as error:
            results[number] = error
            continue
        portion = filling.get(place)
        if portion is None or not portion.add(number, letter):
            portion = filling[place] = Portion(*place, producer.create_batch())
            portions.append(portion)
            portion.add(number, letter)
    return portions


def _topics(letters: Sequence[Letter]) -> dict[str, None]:
    return {letter.topic: None for letter in letters}


async def _route(producer: Producer, topic: str) -> Route | Exception:
    try:
        return Route(topic, *await partitions(producer, topic))
    except (KafkaError, OSError) as error:
        return ours(error)
