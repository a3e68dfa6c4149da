"""What travels beside the body of a message may be forged, too: it comes to nothing, or to a dead letter."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import aiormq
from aiokafka import AIOKafkaProducer
from aiormq import spec
from support import unique, until

from microagent import AbstractQueueBroker, ConfigurationError, Delivery, MicroAgent, Queue, RetryPolicy, consumer
from microagent.tools.amqp import AMQPBroker
from microagent.tools.amqp.frames import room
from microagent.tools.kafka import KafkaBroker
from microagent.tools.kafka.connecting import Address


class NotUTF8(str):
    """A text whose bytes are none."""

    def encode(self, *args: Any) -> bytes:
        return b"\xff\xfe"


COUNTS = ("x-microagent-failed", "x-microagent-crashes", "x-delivery-count", "x-microagent-buried", "x-microagent-due")
AMQP_VALUES: dict[str, Any] = {
    "text": "many\r\n\x1b[2J",
    "negative": -5,
    "longest": 2**63 - 1,
    "bool": True,
    "float": 1e30,
    "null": None,
    "time": datetime(2024, 1, 1, tzinfo=UTC),
    "decimal": Decimal("1.5"),
    "bytes": bytearray(b"\xff\x00"),
    "no text": NotUTF8("x"),
    "table": {"a": {"b": [1, {"c": None}]}},
    "list": [[[]], {}],
}
AMQP_PROPERTIES = {
    "id": spec.Basic.Properties(message_id=NotUTF8("x"), priority=200, correlation_id="\r\n\x1b[2J"),
    "name of a header": spec.Basic.Properties(headers={NotUTF8("x"): 1}),
    "reply": spec.Basic.Properties(reply_to=NotUTF8("x"), content_type=NotUTF8("x"), app_id=NotUTF8("x")),
}
KAFKA_VALUES = [b"", b"many", b"-1", b"1e9", b"9" * 5_000, b"\xb2", b"\xff\x00", b"9" * 18]


def failing(name: str) -> tuple[type[MicroAgent], list[str]]:
    """An agent class that fails on every message but good ones, and the kinds of those it got."""
    got: list[str] = []

    class Failing(MicroAgent):
        @consumer(Queue(name), retry=RetryPolicy(retries=1, first=0))
        async def handle(self, kind: str, delivery: Delivery) -> None:
            got.append(kind)
            assert all(type(part) is str for header in delivery.headers.items() for part in header)
            assert not any(header.startswith("x-") for header in delivery.headers)
            if kind != "good":
                raise ValueError(kind)

    return Failing, got


async def is_over(broker: AbstractQueueBroker, name: str, got: list[str], kinds: list[str]) -> bool:
    """Each is a dead letter, and the good one was handled."""
    letters = await broker.dead(name)
    return sorted(letter.body for letter in letters) == sorted(_body(kind) for kind in kinds) and "good" in got


def _body(kind: str) -> bytes:
    return b'{"kind": "%s"}' % kind.encode()


async def test_headers_that_make_no_sense_on_rabbitmq(rabbitmq_url: str) -> None:
    """
    Whatever stands where ours count, and beside them: each message is tried and buried like any other.
    """
    name = unique("queue")
    cls, got = failing(name)
    async with AMQPBroker(rabbitmq_url) as broker:
        agent = cls(broker=broker)
        await agent.start()
        connection = await aiormq.connect(rabbitmq_url)
        channel = await connection.channel()
        for kind, value in AMQP_VALUES.items():
            properties = spec.Basic.Properties(headers=dict.fromkeys([*COUNTS, "CC-not", "other"], value))
            await channel.basic_publish(_body(kind), routing_key=name, properties=properties)
        for kind, properties in AMQP_PROPERTIES.items():
            await channel.basic_publish(_body(kind), routing_key=name, properties=properties)
        await channel.basic_publish(_body("good"), routing_key=name)
        await until(partial(is_over, broker, name, got, [*AMQP_VALUES, *AMQP_PROPERTIES]))
        assert all(letter.reason.isprintable() for letter in await broker.dead(name))
        await connection.close()
        await agent.stop()


async def test_headers_that_make_no_sense_on_kafka(kafka_url: str) -> None:
    """
    Numbers without end, what is no number, no text, no key: each message is tried and buried like any other.
    """
    name = unique("queue")
    cls, got = failing(name)
    async with KafkaBroker(kafka_url, partitions=1, retry=RetryPolicy(retries=0)) as broker:
        agent = cls(broker=broker)
        await agent.start()
        kinds = [f"kind {number}" for number in range(len(KAFKA_VALUES))]
        async with AIOKafkaProducer(**Address(kafka_url, {}, None, None).options()) as producer:
            for kind, value in zip(kinds, KAFKA_VALUES, strict=True):
                headers = [(header, value) for header in (*COUNTS, "other", "other")]
                await producer.send(name, _body(kind), headers=headers)
            long = [("", b""), ("y" * 10_000, b"y" * 10_000)]
            await producer.send(name, _body("last"), key=b"\xff", headers=long)
            await producer.send(name, _body("good"))
        await until(lambda: "good" in got)
        await until(partial(_count_dead, broker, name, len(kinds) + 1))
        await agent.stop()


async def _count_dead(broker: AbstractQueueBroker, name: str, count: int) -> bool:
    return len(await broker.dead(name)) == count


async def test_headers_that_just_fit_into_a_frame_of_rabbitmq(rabbitmq_url: str) -> None:
    """
    A copy would say more, which no frame can hold: it says less, and is a dead letter like any other.
    """
    name = unique("queue")
    cls, got = failing(name)
    async with AMQPBroker(rabbitmq_url) as broker:
        agent = cls(broker=broker)
        await agent.start()
        connection = await aiormq.connect(rabbitmq_url)
        channel = await connection.channel()
        longest = connection.connection_tune.frame_max
        headers = {f"h{number}": "x" * 10_000 for number in range(longest // 10_020)}
        less = spec.Basic.Properties(headers={**headers, "last": ""}, message_id="great")
        left = room(longest) - len(less.marshal())
        properties = spec.Basic.Properties(headers={**headers, "last": "x" * left}, message_id="great")
        await channel.basic_publish(_body("great"), routing_key=name, properties=properties)
        await channel.basic_publish(_body("good"), routing_key=name)
        await until(partial(is_over, broker, name, got, ["great"]))
        assert got.count("great") == 2
        await connection.close()
        await agent.stop()


async def test_properties_that_no_frame_can_hold(rabbitmq_url: str) -> None:
    """
    Who sends them gets an error, and nobody else.
    """
    name = Queue(unique("queue")).name
    async with AMQPBroker(rabbitmq_url) as broker:
        great = broker.send(name, "{}", properties={"headers": {"a": "x" * 200_000}})
        results = await asyncio.gather(*(broker.send(name, "{}") for _ in range(3)), great, return_exceptions=True)
        assert results[:3] == [None] * 3
        assert isinstance(results[3], ConfigurationError)
        assert "are more than" in str(results[3])
        assert await broker.queue_length(name) == 3
