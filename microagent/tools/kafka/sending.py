"""Sending: many messages at once, each acknowledged by all replicas that are in sync."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

from aiokafka.errors import KafkaError

from microagent.beginning import at_once
from microagent.errors import BackendConnectionError, BackendError
from microagent.link import Interrupted
from microagent.tasks import task_of
from microagent.tools.kafka.driver import Producer, abandon, is_connected
from microagent.tools.kafka.errors import has_gap, may_concern_one, ours, translated
from microagent.tools.kafka.portions import Letter, Portion, packed


class Sender:
    """
    The one producer of a broker.

    What it gives up on, or a server refuses, leaves a gap in the numbers by which servers know what they have already;
    so a new one takes its place then, and the old one ends with the last who waits for it.

    :param make: makes the driver's producer
    :param timeout: seconds to wait for an acknowledgement
    """

    def __init__(self, make: Callable[[], Producer], timeout: float) -> None:
        self._make = make
        self._timeout = timeout
        self._producer: Producer | None = None
        self._writing: Counter[Producer] = Counter()  # how many wait for one
        self._begun: dict[asyncio.Future[object], Producer] = {}  # answers that no task waits for
        self._endings: set[asyncio.Task[None]] = set()  # of those that were not just stored

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
        try:
            if producer is not None:
                await producer.stop()
        finally:
            for written in [each for each, its in self._begun.items() if its is producer]:
                written.cancel()
            if self._endings:
                await asyncio.wait(self._endings)

    async def send(self, letters: Sequence[Letter]) -> list[Exception | None]:
        """
        Write them, those of a partition in their order, then wait for the acknowledgements.

        :return: for each None when the servers have it, or why they have not
        :raises BackendConnectionError: if nothing was written
        """
        await self.start()
        return await self._send(letters, asyncio.get_running_loop().time() + self._timeout)

    async def _send(self, letters: Sequence[Letter], deadline: float) -> list[Exception | None]:
        producer = await self.start()
        results: list[Exception | None] = [None] * len(letters)
        portions = await packed(producer, letters, results)
        errors = await self._write(producer, portions, deadline)
        for portion, error in zip(portions, errors, strict=True):
            if error is not None:
                told = await self._told(producer, portion, error, deadline)
                for number, result in zip(portion.numbers, told, strict=True):
                    results[number] = result
        return results

    def begin(self, letters: Sequence[Letter], told: Callable[[Sequence[Exception | None]], None]) -> bool:
        """
        Write them in this turn of the loop, if they go to one partition and there is nothing to wait for but the
        answer; whether that is done.

        :param told: called later with what ``send`` gives
        """
        producer = self._producer
        work = None if producer is None else at_once(_written(producer, letters))
        if producer is None or work is None:
            return False
        self._writing[producer] += 1
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        portion, written = work

        def end(*_: object) -> None:
            late.cancel()
            self._begun.pop(written, None)
            written.remove_done_callback(end)
            if written.cancelled():
                self._count_down(producer)
                told([Interrupted("given up by the driver")] * len(letters))
            elif producer is self._producer and _is_stored(written):
                self._count_down(producer)
                told([None] * len(letters))
            else:
                ending = self._end(producer, portion, written, deadline, told)
                task = task_of(loop, ending, "microagent: a send that failed")
                self._endings.add(task)
                task.add_done_callback(self._endings.discard)

        late = loop.call_at(deadline, end)
        written.add_done_callback(end)
        self._begun[written] = producer
        return True

    async def _end(
        self,
        producer: Producer,
        portion: Portion,
        written: "asyncio.Future[object]",
        deadline: float,
        told: Callable[[Sequence[Exception | None]], None],
    ) -> None:
        """Tell what became of what was written in one turn, where it is not just stored."""
        results: Sequence[Exception | None] = [Interrupted("given up")] * len(portion.letters)
        try:
            (error,) = await self._answers(producer, [written], deadline)
            results = [None] * len(portion.letters)
            if error is not None:
                results = await self._told(producer, portion, error, deadline)
        finally:
            told(results)

    async def _write(self, producer: Producer, portions: Sequence[Portion], deadline: float) -> list[Exception | None]:
        self._writing[producer] += 1
        written: list[asyncio.Future[object] | Exception] = []
        try:
            for portion in portions:
                written.append(await _handed_over(producer, portion))
        except BaseException:
            await self._let_go(producer, written)
            raise
        return await self._answers(producer, written, deadline)

    async def _answers(
        self, producer: Producer, written: Sequence["asyncio.Future[object] | Exception"], deadline: float
    ) -> list[Exception | None]:
        """For each that is written None, or why it is not."""
        try:
            waiting = [each for each in written if not isinstance(each, Exception)]
            patience = deadline - asyncio.get_running_loop().time()
            if waiting and (await asyncio.wait(waiting, timeout=patience))[1]:
                await self._retire(producer)  # it would go on for ever
            return [each if isinstance(each, Exception) else self._failure(each) for each in written]
        finally:
            await self._let_go(producer, written)

    async def _let_go(self, producer: Producer, written: Sequence["asyncio.Future[object] | Exception"]) -> None:
        for each in written:
            _let_be(each)
        self._count_down(producer)
        if not self._writing[producer] and producer is not self._producer:
            await abandon(producer)

    def _failure(self, written: "asyncio.Future[object]") -> Exception | None:
        if not written.done():
            return BackendConnectionError(f"not acknowledged within {self._timeout} seconds; the server may have it")
        error = written.exception()
        return error if isinstance(error, Exception) else None

    async def _retire(self, producer: Producer) -> None:
        if producer is self._producer:
            self._producer = None
            if not self._writing[producer]:
                await abandon(producer)

    def _count_down(self, producer: Producer) -> None:
        self._writing[producer] -= 1
        if not self._writing[producer]:
            del self._writing[producer]

    async def _told(
        self, producer: Producer, portion: Portion, error: Exception, deadline: float
    ) -> Sequence[Exception | None]:
        """
        What becomes of each message of a portion that failed.

        The servers have none of a portion that they refuse, so it is written again: in halves, if it may be one message
        that they refuse all for.
        """
        letters = [letter._replace(partition=portion.partition) for letter in portion.letters]
        if asyncio.get_running_loop().time() < deadline:
            if has_gap(error):
                await self._retire(producer)
                return await self._again(letters, deadline)
            if len(letters) > 1 and may_concern_one(error):
                half = len(letters) // 2
                return [*await self._again(letters[:half], deadline), *await self._again(letters[half:], deadline)]
        return [ours(error) for _ in letters]

    async def _again(self, letters: Sequence[Letter], deadline: float) -> Sequence[Exception | None]:
        try:
            return await self._send(letters, deadline)
        except BackendError as error:
            return [error] * len(letters)


async def _written(producer: Producer, letters: Sequence[Letter]) -> "tuple[Portion, asyncio.Future[object]] | None":
    """All of them in one portion, if that can be."""
    results: list[Exception | None] = [None] * len(letters)
    portions = await packed(producer, letters, results)
    if len(portions) != 1 or any(results):
        return None
    written = await _handed_over(producer, portions[0])
    return None if isinstance(written, Exception) else (portions[0], written)


async def _handed_over(producer: Producer, portion: Portion) -> "asyncio.Future[object] | Exception":
    try:
        return await producer.send_batch(portion.batch, portion.topic, partition=portion.partition)
    except (KafkaError, OSError) as error:
        return error


def _is_stored(written: "asyncio.Future[object]") -> bool:
    return written.done() and written.exception() is None


def _let_be(written: "asyncio.Future[object] | Exception") -> None:
    """Nobody waits for it any more, and nobody is to be told that nobody does."""
    if isinstance(written, asyncio.Future) and not written.cancel():
        with suppress(asyncio.CancelledError):
            written.exception()
