"""Sending many messages at once: together, and yet each with a verdict of its own."""

import asyncio
import gc
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from aiokafka.errors import (
    InvalidTimestampError,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    TopicAuthorizationFailedError,
)
from support import until

from microagent import AuthError, BackendConnectionError, BackendError, ConfigurationError
from microagent.link import Interrupted
from microagent.tools.kafka.portions import LARGEST, Letter, place_of
from microagent.tools.kafka.sending import Sender

TIMEOUT = 0.2  # seconds


class Server:
    """Stores what producers write, as a server does: in the order of their numbers, without what it refuses."""

    def __init__(self, partitions: int = 1, limit: int = 100) -> None:
        self.partitions = partitions
        self.limit = limit
        self.stored: dict[int, list[bytes]] = defaultdict(list)
        self.writes = 0
        self.refusal: Exception | None = None
        self.answers = True
        self.is_away = False
        self.producers: list[Producer] = []
        self.expected: dict[Any, int] = {}

    def make(self) -> Any:
        self.producers.append(Producer(self))
        return self.producers[-1]

    def write(self, producer: "Producer", partition: int, number: int, bodies: list[bytes]) -> None:
        self.writes += 1
        if self.refusal is not None:
            raise self.refusal
        if self.expected.get((producer, partition), number) != number:
            raise OutOfOrderSequenceNumber
        if sum(map(len, bodies)) > self.limit:
            raise MessageSizeTooLargeError
        self.expected[producer, partition] = number + len(bodies)
        self.stored[partition] += bodies


class Batch:
    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def append(self, *, timestamp: None, key: bytes | None, value: bytes, headers: Any) -> object | None:
        if len(self.bodies) == 40:
            return None
        self.bodies.append(value)
        return self


class Producer:
    """The driver's, with the numbers by which the server knows what it has already."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._numbers: dict[int, int] = defaultdict(int)
        self.client = self.cluster = self._sender = self
        self.ended = 0

    async def start(self) -> None:
        if self._server.is_away:
            raise KafkaConnectionError

    async def stop(self) -> None:
        self.ended += 1

    async def close(self) -> None:
        self.ended += 1

    def available_partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(self._server.partitions))

    async def partitions_for(self, topic: str) -> set[int]:
        return self.available_partitions_for_topic(topic)

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> "asyncio.Future[object]":
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        number = self._numbers[partition]
        self._numbers[partition] += len(batch.bodies)
        if self._server.answers:
            try:
                self._server.write(self, partition, number, batch.bodies)
                future.set_result(None)
            except KafkaError as error:
                future.set_exception(error)
        return future


class AtOnce(Sender):
    """Writes in the turn of the loop that asks for it, where that can be."""

    async def send(self, letters: Sequence[Letter]) -> list[Exception | None]:
        await self.start()
        results: asyncio.Future[Sequence[Exception | None]] = asyncio.get_running_loop().create_future()
        if self.begin(letters, results.set_result):
            return list(await results)
        return await super().send(letters)


@pytest.fixture(params=[Sender, AtOnce])
def sender(request: pytest.FixtureRequest) -> Callable[[Server], Sender]:
    return lambda server: request.param(server.make, TIMEOUT)


def letters(*bodies: bytes, **where: Any) -> list[Letter]:
    return [Letter("topic", body, **where) for body in bodies]


def kinds(results: list[Exception | None]) -> list[type | None]:
    return [None if result is None else type(result) for result in results]


async def test_messages_of_a_partition_are_written_together(sender: Any):
    """In their order, as many as fit; of those without a key, each partition gets as many as the others."""
    server = Server(partitions=4, limit=1000)
    bodies = [b"%d" % n for n in range(200)]
    assert await sender(server).send(letters(*bodies)) == [None] * 200
    assert {len(stored) for stored in server.stored.values()} == {50}
    assert all(stored == sorted(stored, key=int) for stored in server.stored.values())
    assert server.writes == 8


async def test_messages_of_a_key_go_to_the_partition_of_their_key(sender: Any):
    """The one that every other client would send it to."""
    server = Server(partitions=5)
    await sender(server).send(letters(b"1", key=b"21") + letters(b"2", partition=3) + letters(b"3", key=b"21"))
    assert server.stored[place_of(b"21", 5)] == [b"1", b"3"]
    assert server.stored[3] == [b"2"]


@pytest.mark.parametrize(
    ("key", "hashed"), [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536)]
)
def test_keys_are_hashed_as_everywhere(key: bytes, hashed: int):
    """These are the figures of Kafka's own tests (UtilsTest.testMurmur2)."""
    assert place_of(key, 1000) == (hashed & 0x7FFFFFFF) % 1000


async def test_what_the_server_refuses_is_told_to_its_sender_alone(sender: Any):
    """Those that it would not take together with it are written without it, once and in their order."""
    server = Server()
    bodies = [b"%02d" % n for n in range(20)]
    bodies[7] = bodies[16] = b"x" * 101
    results = await sender(server).send(letters(*bodies))
    assert [n for n, result in enumerate(results) if result is not None] == [7, 16]
    assert kinds([results[7], results[16]]) == [BackendError, BackendError]
    assert server.stored[0] == [body for body in bodies if len(body) == 2]


async def test_message_after_a_refused_one_is_taken(sender: Any):
    """Though the numbers of what was refused are missing; the producer that counted them is let go."""
    server = Server()
    made = sender(server)
    for body in (b"1", b"x" * 101, b"2", b"3"):
        (result,) = await made.send(letters(body))
        assert (result is None) == (len(body) == 1)
    assert server.stored[0] == [b"1", b"2", b"3"]
    assert [producer.ended > 0 for producer in server.producers] == [True, False]


async def test_refusal_that_is_meant_for_us_is_not_tried_again(sender: Any):
    """Not by halves either."""
    server = Server()
    server.refusal = TopicAuthorizationFailedError("topic")
    assert kinds(await sender(server).send(letters(b"1", b"2"))) == [AuthError, AuthError]
    assert server.writes == 1


async def test_every_message_may_be_refused(sender: Any):
    """Each sender is told."""
    server = Server()
    server.refusal = InvalidTimestampError()
    assert kinds(await sender(server).send(letters(*[b"1"] * 5))) == [BackendError] * 5
    assert server.stored == {}


@pytest.mark.parametrize(
    ("letter", "kind", "problem"),
    [
        (Letter("topic", b"1", partition=9), ConfigurationError, "topic 'topic' has no partition 9"),
        (Letter("topic", b"x" * (LARGEST + 1)), BackendError, "larger than the server takes"),
    ],
)
async def test_what_cannot_be_written_stops_nobody_else(sender: Any, letter: Letter, kind: type, problem: str):
    """Its sender is told why."""
    server = Server()
    first, second, third = await sender(server).send([*letters(b"0"), letter, *letters(b"2")])
    assert (first, third) == (None, None)
    assert type(second) is kind
    assert problem in str(second)
    assert server.stored[0] == [b"0", b"2"]


async def test_silent_server_is_given_up(sender: Any, caplog: pytest.LogCaptureFixture):
    """After the time to send; the next message goes out by another producer, and nobody hears of the old one again."""
    server = Server()
    made = sender(server)
    server.answers = False
    one, two = await asyncio.gather(made.send(letters(b"1")), made.send(letters(b"2")))
    assert kinds(one + two) == [BackendConnectionError] * 2
    server.answers = True
    assert await made.send(letters(b"3")) == [None]
    assert [producer.ended > 0 for producer in server.producers] == [True, False]
    gc.collect()
    assert caplog.text == ""


async def test_send_that_is_cancelled_leaves_nothing(caplog: pytest.LogCaptureFixture):
    """Its failure is nobody's any more."""
    server = Server()
    made = Sender(server.make, TIMEOUT)
    await made.start()
    server.answers = False
    sending = asyncio.create_task(made.send(letters(b"1")))
    await until(lambda: made._writing.total() == 1)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert made._writing.total() == 0
    gc.collect()
    assert caplog.text == ""


async def test_server_that_leaves_between_two_tries_is_told(sender: Any):
    """What was taken before stays taken: nothing is said that would have all of it sent again."""
    server = Server()
    made = sender(server)
    await made.send(letters(b"0"))
    await made.send(letters(b"x" * 101))
    server.is_away = True
    assert kinds(await made.send(letters(b"1"))) == [BackendConnectionError]
    server.is_away = False
    assert await made.send(letters(b"2")) == [None]
    assert server.stored[0] == [b"0", b"2"]


async def test_what_goes_to_one_partition_is_written_at_once():
    """In the turn of the loop that asks for it; the rest, and what has no producer yet, takes another way."""
    server = Server(partitions=2)
    made, told = Sender(server.make, TIMEOUT), asyncio.get_running_loop().create_future()
    assert not made.begin(letters(b"1"), told.set_result)
    await made.start()
    assert not made.begin(letters(b"1", b"2"), told.set_result)
    assert not made.begin(letters(b"1", partition=9), told.set_result)
    assert server.writes == 0
    assert made.begin(letters(b"1", b"2", partition=1), told.set_result)
    assert server.stored[1] == [b"1", b"2"]
    assert await told == [None, None]
    assert made._writing.total() == 0


async def test_nothing_is_left_of_what_was_written_at_once(caplog: pytest.LogCaptureFixture):
    """Who waits for an answer when the sender closes is told that nobody knows; no task and no timer goes on."""
    server = Server()
    made, told = Sender(server.make, 3600), asyncio.get_running_loop().create_future()
    await made.start()
    server.answers = False
    assert made.begin(letters(b"1"), told.set_result)
    await made.close()
    assert kinds(await asyncio.wait_for(told, 5)) == [Interrupted]
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
    assert made._writing.total() == 0
    gc.collect()
    assert caplog.text == ""
