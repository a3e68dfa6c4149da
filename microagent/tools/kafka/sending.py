"""Sending: many messages at once, each acknowledged by all replicas that are in sync."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aiokafka.errors import KafkaError

from microagent.errors import BackendConnectionError, ConfigurationError
from microagent.tools.kafka.driver import Producer, abandon, is_connected
from microagent.tools.kafka.errors import ours, translated
from microagent.tools.kafka.messages import Headers


@dataclass(frozen=True, slots=True)
class Letter:
    """A message with its address; ``partition`` None: by its key, or any."""

    topic: str
    body: bytes
    key: bytes | None = None
    headers: Headers = field(default_factory=Headers)
    partition: int | None = None


class Sender:
    """
    The one producer of a broker.

    What it gives up on leaves a gap in the numbers by which servers know what they have already; so a new one takes
    its place then.

    :param make: makes the driver's producer
    :param timeout: seconds to wait for an acknowledgement
    """

    def __init__(self, make: Callable[[], Producer], timeout: float) -> None:
        self._make = make
        self._timeout = timeout
        self._producer: Producer | None = None

    async def start(self) -> Producer:
        """
        Its producer, connected.

        :raises BackendConnectionError: if the server is away
        """
        if self._producer is None:
            producer = self._make()
            try:
                with translated():
                    await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    @property
    def is_connected(self) -> bool:
        """Whether a server is there, as far as that is known without asking it."""
        return self._producer is not None and is_connected(self._producer)

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def send(self, letters: Sequence[Letter]) -> list[Exception | None]:
        """
        Write them in their order, then wait for the acknowledgements.

        :return: for each None when the servers have it, or why they have not
        :raises BackendConnectionError: if nothing was written
        """
        producer = await self.start()
        written = [await _write(producer, letter) for letter in letters]
        waiting = [each for each in written if not isinstance(each, Exception)]
        if waiting and (await asyncio.wait(waiting, timeout=self._timeout))[1]:
            await self._give_up(producer)
        return [each if isinstance(each, Exception) else self._result(each) for each in written]

    async def _give_up(self, producer: Producer) -> None:
        """The driver itself would go on for ever."""
        if producer is self._producer:
            self._producer = None
            await abandon(producer)

    def _result(self, written: "asyncio.Future[object]") -> Exception | None:
        if not written.done():
            return BackendConnectionError(f"not acknowledged within {self._timeout} seconds; the server may have it")
        error = written.exception()
        return ours(error) if isinstance(error, Exception) else None


async def _write(producer: Producer, letter: Letter) -> "asyncio.Future[object] | Exception":
    try:
        return await producer.send(letter.topic, letter.body, letter.key, letter.partition, headers=letter.headers)
    except (KafkaError, OSError) as error:
        return ours(error)
    except AssertionError:  # how the driver says it
        return ConfigurationError(f"topic '{letter.topic}' has no partition {letter.partition}")
