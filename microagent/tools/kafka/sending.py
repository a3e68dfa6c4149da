"""Sending: many messages at once, each acknowledged by all replicas that are in sync."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from aiokafka.errors import KafkaError

from microagent.errors import BackendConnectionError, ConfigurationError
from microagent.execution import describe
from microagent.tools.kafka.driver import Producer
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
    """

    def __init__(self, make: Callable[[], Producer], log: logging.Logger) -> None:
        self._make = make
        self._log = log
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
        written = [await self._write(producer, letter) for letter in letters]
        results = [each if isinstance(each, Exception) else await _acknowledged(each) for each in written]
        if any(isinstance(result, BackendConnectionError) for result in results) and producer is self._producer:
            await self._replace()
        return results

    async def _write(self, producer: Producer, letter: Letter) -> Awaitable[object] | Exception:
        try:
            return await producer.send(letter.topic, letter.body, letter.key, letter.partition, headers=letter.headers)
        except (KafkaError, OSError) as error:
            return ours(error)
        except AssertionError:  # how the driver says it
            return ConfigurationError(f"topic '{letter.topic}' has no partition {letter.partition}")

    async def _replace(self) -> None:
        try:
            await self.close()
        except Exception as error:  # noqa: BLE001 - it is given up
            self._log.warning("A producer did not end well: %s", describe(error))


async def _acknowledged(written: Awaitable[object]) -> Exception | None:
    try:
        await written
    except (KafkaError, OSError) as error:
        return ours(error)
    return None
