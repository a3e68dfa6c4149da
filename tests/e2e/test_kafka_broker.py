"""What only Kafka has: keys, partitions, groups, and a group that changes while messages are handled."""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from support import unique, until

from microagent import BackendError, ConfigurationError, MicroAgent, Queue, RetryPolicy, consumer
from microagent.prefetch import PREFETCH
from microagent.tools.kafka import KafkaBroker
from microagent.tools.kafka.driver import BUSY

pytestmark = pytest.mark.usefixtures("real_kafka")
LARGEST = 10_000_000  # bytes of a batch of messages that the server takes
LEASE = 3.0  # what the server takes for a session

HANGS = """
import asyncio, os, sys
from microagent import MicroAgent, Queue, consumer
from microagent.tools.kafka import KafkaBroker

class Agent(MicroAgent):
    @consumer(Queue(sys.argv[2]), prefetch=20)
    async def handle(self, number):
        if number >= 100:
            await asyncio.Event().wait()
        os.write(1, f"{number}\\n".encode())

async def main():
    await Agent(broker=KafkaBroker(sys.argv[1], lease=3.0)).start()
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def make(kafka_url: str) -> Any:
    """Makes brokers."""
    return partial(KafkaBroker, kafka_url, lease=LEASE)


def taker(queue: Queue, seconds: float = 0, **options: Any) -> tuple[type[MicroAgent], list[int]]:
    """An agent class that keeps the numbers it gets, and the list it keeps them in."""
    got: list[int] = []

    class Taker(MicroAgent):
        @consumer(queue, **options)
        async def take(self, number: int) -> None:
            await asyncio.sleep(seconds)
            got.append(number)

    return Taker, got


async def test_handler_is_given_the_consumer(make: Any):
    """A handler that names ``kafka`` gets the driver's consumer, which knows what the message's partition is."""
    queue = Queue(unique("queue"))
    got: list[Any] = []

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self, kafka: AIOKafkaConsumer, **data: Any) -> None:
            got.append((kafka, {place.topic for place in kafka.assignment()}, data))

    agent = Taker(broker=make())
    await agent.start()
    await agent.broker[queue.name].send({"number": 1})
    await until(lambda: got)
    ((kafka, topics, data),) = got
    assert isinstance(kafka, AIOKafkaConsumer)
    assert queue.name in topics
    assert data == {"number": 1}
    await agent.stop()


def overheard(client: Any, heard: Callable[[Any], None]) -> None:
    """Let ``heard`` know of each request of a client before it is sent."""
    send = client.send

    async def sent(node: int, request: Any, **options: Any) -> Any:
        heard(request)
        return await send(node, request, **options)

    client.send = sent


async def drained(make: Any, count: int, seconds: float, heard: Callable[[Any, int], None]) -> None:
    """So many messages of 1 kB are sent and then handled; ``heard`` gets each request, and how many are handled."""
    queue = Queue(unique("queue"))
    got: list[int] = []

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self, kafka: Any, number: int, **rest: Any) -> None:
            if not got:
                overheard(kafka._client, lambda request: heard(request, len(got)))
            if seconds:
                await asyncio.sleep(seconds)
            got.append(number)

    async with make() as broker:
        await asyncio.gather(*(broker[queue.name].send({"number": n, "text": "-" * 1000}) for n in range(count)))
        agent = Taker(broker=broker)
        await agent.start()
        await until(lambda: len(got) == count)
        await agent.stop()


async def test_backlog_is_read_without_pauses(make: Any):
    """As long as there are messages, nobody waits for what the server says of topics that have none."""
    waits: list[tuple[bool, int]] = []
    count = 1600  # some of them are in the driver's hands while those before them are handled

    def heard(request: Any, handled: int) -> None:
        if type(request).__name__ == "FetchRequest" and handled < count:
            has_queue = any(".retry." not in topic for topic, _ in request.topics)
            waits.append((has_queue, request._max_wait_ms))

    await drained(make, count, 0.005, heard)
    assert waits
    assert all(has_queue or wait <= BUSY for has_queue, wait in waits)


async def test_commit_is_on_its_way_before_more_is_handled(make: Any):
    """So the server answers meanwhile: what is handled without being told is never more than one portion."""
    untold: list[int] = []

    def heard(request: Any, handled: int) -> None:
        if type(request).__name__ == "OffsetCommitRequest":
            told = sum(offset for _, partitions in request._topics for _, offset, _ in partitions)
            untold.append(handled - told)

    await drained(make, 3000, 0, heard)
    assert untold
    assert max(untold) <= PREFETCH // 2


async def test_messages_of_a_key_are_handled_in_order(make: Any):
    """One at a time and as they were sent, while others go on beside them."""
    queue = Queue(unique("queue"))
    order: list[int] = []
    running: Counter[str] = Counter()
    peak: Counter[str] = Counter()

    class Taker(MicroAgent):
        @consumer(queue, concurrency=10)
        async def take(self, key: str, number: int) -> None:
            running[key] += 1
            running["all"] += 1
            peak.update({key: max(0, running[key] - peak[key]), "all": max(0, running["all"] - peak["all"])})
            await asyncio.sleep(0.002)
            running[key] -= 1
            running["all"] -= 1
            if key == "a":
                order.append(number)

    agent = Taker(broker=make(partitions=3))
    await agent.start()
    sends = [
        agent.broker[queue.name].send({"key": key, "number": number}, key=key)
        for number in range(30)
        for key in ("a", "b", "c")
    ]
    await asyncio.gather(*sends)
    await until(lambda: len(order) == 30)
    assert order == list(range(30))
    assert peak["a"] == peak["b"] == peak["c"] == 1
    assert peak["all"] > 1
    await agent.stop()


async def test_messages_of_a_partition_are_handled_one_at_a_time_if_asked(make: Any):
    """``order='partition'`` leaves no two of a partition running; several partitions run at once."""
    queue = Queue(unique("queue"))
    gate = asyncio.Event()
    running: list[int] = []

    class Taker(MicroAgent):
        @consumer(queue, order="partition")
        async def take(self, partition: int) -> None:
            running.append(partition)
            await gate.wait()

    agent = Taker(broker=make(partitions=2))
    await agent.start()
    for partition in (0, 0, 0, 1, 1):
        await agent.broker[queue.name].send({"partition": partition}, partition=partition)
    await until(lambda: sorted(running) == [0, 1])
    gate.set()
    await until(lambda: len(running) == 5)
    await agent.stop()


async def test_failed_message_holds_up_nobody(make: Any):
    """While it waits for its next run, messages of its partition and of its key are handled; nothing is left then."""
    queue = Queue(unique("queue"))
    handled: list[int] = []

    class Taker(MicroAgent):
        @consumer(queue, order="partition", retry=RetryPolicy(first=1.0, jitter=0))
        async def take(self, number: int) -> None:
            if number == 0 and len(handled) < 5:
                raise ValueError
            handled.append(number)

    agent = Taker(broker=make())
    await agent.start()
    for number in range(6):
        await agent.broker[queue.name].send({"number": number}, key="k")
    await until(lambda: len(handled) == 6)
    assert handled == [1, 2, 3, 4, 5, 0]
    await until(partial(_is_empty, agent.broker, queue.name))
    await agent.stop()


async def _is_empty(broker: Any, name: str) -> bool:
    return bool(await broker[name].length() == 0)


async def test_each_group_gets_every_message(make: Any):
    """A consumer in a group of its own gets what the others get; each group has its own length."""
    queue = Queue(unique("queue"))
    cls, got = taker(queue)
    copying, copied = taker(queue, group=unique("copies"))
    agents = [cls(broker=make()), copying(broker=make())]
    for agent in agents:
        await agent.start()
    await agents[0].broker[queue.name].send({"number": 1})
    await until(lambda: got == [1] and copied == [1])
    await agents[0].broker.close()
    await agents[1].broker[queue.name].send({"number": 2})
    await until(lambda: copied == [1, 2])
    await until(partial(_is_empty, agents[1].broker, queue.name))
    assert await agents[1].broker.queue_length(queue.name, group=queue.name) == 1
    for agent in agents:
        await agent.stop()


async def test_group_changes_while_messages_are_handled(make: Any):
    """Consumers come and go; every message is handled, and those that were handled are not handled again."""
    queue = Queue(unique("queue"))
    cls, got = taker(queue, seconds=0.005)
    sender, agents = make(partitions=4), [cls(broker=make(partitions=4)) for _ in range(3)]
    await agents[0].start()
    for start in range(0, 600, 100):
        await asyncio.gather(*(sender[queue.name].send({"number": start + n}) for n in range(100)))
        if start in (100, 200):
            await agents[start // 100].start()
        if start in (300, 400):
            await agents[start // 100 - 3].stop()
    await until(lambda: len(got) >= 600)
    assert Counter(got) == Counter(range(600))
    await agents[2].stop()
    await sender.close()


async def test_handled_message_is_not_handled_again_behind_one_that_is_not(make: Any):
    """Stopped with its first message cut short, an agent has noted the ones behind it; only the first comes again."""
    queue = Queue(unique("queue"))
    got: list[int] = []

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self, number: int) -> None:
            if number == 0:
                await asyncio.Event().wait()
            got.append(number)

    agent = Taker(broker=make())
    await agent.start()
    for number in range(5):
        await agent.broker[queue.name].send({"number": number})
    await until(lambda: sorted(got) == [1, 2, 3, 4])
    await agent.stop(timeout=0.01)
    cls, again = taker(queue)
    other = cls(broker=make())
    assert await other.broker[queue.name].length() == 1
    await other.start()
    await until(lambda: again == [0])
    await until(partial(_is_empty, other.broker, queue.name))
    assert again == [0]
    await other.stop()


async def test_nothing_is_lost_when_a_consumer_is_killed(make: Any, kafka_url: str):
    """``kill -9`` of a process in its handlers: all of 500 messages are handled by somebody."""
    queue = Queue(unique("queue"))
    sender = make()
    await asyncio.gather(*(sender[queue.name].send({"number": number}) for number in range(500)))
    command = (sys.executable, "-c", HANGS, kafka_url, queue.name)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(100)]
    process.kill()
    await process.wait()
    cls, got = taker(queue)
    agent = cls(broker=make())
    await agent.start()
    await until(lambda: {*got, *map(int, lines)} == set(range(500)))
    await until(partial(_is_empty, sender, queue.name))
    await agent.stop()
    await sender.close()


async def test_message_that_is_too_large_is_refused(make: Any):
    """By the server, which has its own limit; others go on, before it, beside it and after it."""
    queue = Queue(unique("queue"))
    async with make() as broker:
        send = broker[queue.name].send
        await send({})
        large, beside = await asyncio.gather(send({"text": "x" * 11_000_000}), send({}), return_exceptions=True)
        assert isinstance(large, BackendError)
        assert "larger than the server takes" in str(large)
        assert beside is None
        await send({})
        assert await broker[queue.name].length() == 3


async def test_message_whose_copy_would_be_too_large_is_handled_again(
    make: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """After a pause, and not over and over; it is not lost, and holds up nobody."""
    monkeypatch.setattr("microagent.tools.kafka.verdicts.PAUSE", 0.5)
    queue = Queue(unique("queue"))
    runs: list[float] = []
    others: list[int] = []

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self, number: int, **rest: Any) -> None:
            if number:
                others.append(number)
                return
            runs.append(time.monotonic())
            if len(runs) < 3:
                raise ValueError("not yet")

    agent = Taker(broker=make())
    await agent.start()
    message = {"number": 0, "text": ""}
    await agent.broker[queue.name].send({**message, "text": "x" * (LARGEST - 110 - len(json.dumps(message)))})
    await agent.broker[queue.name].send({"number": 1})
    await until(lambda: others == [1] and len(runs) == 3)
    assert all(later - earlier >= 0.5 for earlier, later in pairwise(runs))
    assert "cannot be moved, and is handled again in 0.5 s: the message is larger than the server takes" in caplog.text
    await until(partial(_is_empty, agent.broker, queue.name))
    await agent.stop()


async def test_queue_that_cannot_be_is_refused_alone(make: Any):
    """What is sent to another one at the same time is sent."""
    queue = Queue(unique("queue"))
    async with make() as broker:
        wrong, right = await asyncio.gather(
            broker.send("no topic", "{}"), broker.send(queue.name, "{}"), return_exceptions=True
        )
        assert isinstance(wrong, ConfigurationError)
        assert right is None
        assert await broker.queue_length(queue.name) == 1


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"topic": "x"}, "cannot send with 'topic'"),
        ({"key": 5}, "key of a message"),
        ({"partition": 7}, "no partition 7"),
    ],
)
async def test_what_send_cannot_honour_is_refused(make: Any, options: dict[str, Any], problem: str):
    """Instead of being ignored."""
    queue = Queue(unique("queue"))
    async with make() as broker:
        with pytest.raises(ConfigurationError, match=problem):
            await broker[queue.name].send({}, **options)


async def test_order_that_there_is_not_is_refused(make: Any):
    """At start."""
    cls, _ = taker(Queue(unique("queue")), order="random")
    with pytest.raises(ConfigurationError, match=r"Taker\.take: order='random' is to be 'key' or 'partition'"):
        await cls(broker=make()).start()


async def test_lease_that_the_server_does_not_take_is_refused(kafka_url: str):
    """At start, with the names of the settings it has to keep to."""
    cls, _ = taker(Queue(unique("queue")))
    agent = cls(broker=KafkaBroker(kafka_url, lease=0.2))
    with pytest.raises(ConfigurationError, match=r"group\.min\.session\.timeout\.ms"):
        await asyncio.wait_for(agent.start(), 10)
    await agent.stop()
