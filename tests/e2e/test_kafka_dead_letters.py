"""Dead letters on Kafka: what lies in which topic, and who gets a message that is sent again."""

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import TopicAuthorizationFailedError
from support import unique, until

from microagent import BoundQueue, DeadLetter, Delivery, MicroAgent, Queue, consumer
from microagent.tools.kafka import KafkaBroker
from microagent.tools.kafka.connecting import Address

pytestmark = pytest.mark.usefixtures("real_kafka")
LEASE = 3.0  # what the server takes for a session


@pytest.fixture
async def place(kafka_url: str) -> AsyncIterator["Site"]:
    site = Site(kafka_url)
    yield site
    await site.close()


class Site:
    """A queue, and clients that know nothing of us."""

    def __init__(self, dsn: str) -> None:
        self.clients = Address(dsn, {}, None, None).options()
        self._make = partial(KafkaBroker, dsn, lease=LEASE, partitions=1)
        self._brokers: list[KafkaBroker] = []
        self.queue = Queue(unique("queue"))
        self.dead_topic = f"{self.queue.name}.dead"
        self.notes = f"{self.dead_topic}.removed"

    def broker(self, **options: Any) -> KafkaBroker:
        self._brokers.append(self._make(**options))
        return self._brokers[-1]

    def bound(self) -> BoundQueue:
        return self.broker()[self.queue.name]

    async def close(self) -> None:
        for broker in self._brokers:
            await broker.close()

    async def bury(self, *numbers: int, key: str | None = None, **options: Any) -> list[DeadLetter]:
        """What these messages became, all that are in one group's hands; ``options`` are the consumer's."""

        class Burying(MicroAgent):
            @consumer(self.queue, autoack=False, concurrency=1, **options)
            async def bury(self, delivery: Delivery, **message: Any) -> None:
                delivery.bury("not now")

        there = self.bound()
        before = len(await there.dead())
        agent = Burying(broker=self.broker())
        await agent.start()
        for number in numbers:
            await there.send({"number": number}, key=key, headers={"trace": "af"})
        await until(lambda: _is(there, before + len(numbers)))
        await agent.stop()
        return (await there.dead())[before:]

    async def records(self, topic: str) -> tuple[int, list[Any]]:
        """The offset after the last one of a topic of one partition, and what there is."""
        place = TopicPartition(topic, 0)
        reader = AIOKafkaConsumer(auto_offset_reset="earliest", **self.clients)
        await reader.start()
        try:
            reader.assign([place])
            end, found = (await reader.end_offsets([place]))[place], list[Any]()
            while await reader.position(place) < end:
                found += (await reader.getmany(place, timeout_ms=100)).get(place, [])
            return end, found
        finally:
            await reader.stop()


async def _is(there: BoundQueue, count: int) -> bool:
    return len(await there.dead()) == count


async def test_record_is_noted_and_then_deleted(place: Site):
    """A note in JSON says which one is gone; what lies before the first that is left is deleted, its notes too."""
    letters = await place.bury(0, 1, 2, 3)
    there = place.bound()
    assert await there.discard(letters[1]) == 1
    _, records = await place.records(place.dead_topic)
    assert [record.offset for record in records] == [0, 1, 2, 3]
    _, notes = await place.records(place.notes)
    assert [json.loads(note.value) for note in notes] == [
        {"letters": "discarded", "partition": 0, "removed": [[1, round(letters[1].time * 1000)]]}
    ]
    assert await there.resend(letters[0]) == 1
    _, records = await place.records(place.dead_topic)
    assert [record.offset for record in records] == [2, 3]
    assert await there.discard(letters[3]) == 1
    assert await there.discard(letters[2]) == 1
    assert await place.records(place.dead_topic) == (4, [])
    end, notes = await place.records(place.notes)
    assert end == 4
    assert [json.loads(note.value)["removed"][0][0] for note in notes] == [2]  # of the last, until there is another


async def test_letters_are_gone_where_nothing_may_be_deleted(place: Site, monkeypatch: pytest.MonkeyPatch):
    """Their records stay, and are read over."""

    async def refuse(*_: Any) -> None:
        raise TopicAuthorizationFailedError

    letters = await place.bury(0, 1, 2)
    monkeypatch.setattr(AIOKafkaAdminClient, "delete_records", refuse)
    there = place.bound()
    assert await there.discard(*letters[:2]) == 2
    assert await there.dead() == letters[2:]
    assert await there.discard(*letters) == 1
    assert await there.dead() == []
    assert len((await place.records(place.dead_topic))[1]) == 3


async def test_notes_of_a_topic_that_was_deleted_hide_nothing(place: Site):
    """Should somebody delete the dead letters, offsets begin anew, and what lies there is something else."""
    old = await place.bury(0, 1)
    there = place.bound()
    assert await there.discard(old[1]) == 1
    admin = AIOKafkaAdminClient(**place.clients)
    await admin.start()
    await admin.delete_topics([place.dead_topic])
    await admin.close()
    await until(lambda: _is(there, 0))
    new = await place.bury(2, 3)
    assert [letter.id for letter in new] == [letter.id for letter in old]
    assert await there.discard(*old) == 0
    assert await there.dead() == new
    assert await there.discard(new[0]) == 1
    assert await there.dead() == new[1:]


async def test_message_is_sent_again_to_the_group_that_gave_it_up(place: Site):
    """With its key and the headers of its sender; another group, which has handled it, does not get it again."""
    others, again = list[int](), list[Any]()

    class Other(MicroAgent):
        @consumer(place.queue, group=unique("group"))
        async def take(self, number: int) -> None:
            others.append(number)

    class Taking(MicroAgent):
        @consumer(place.queue)
        async def take(self, delivery: Delivery, number: int) -> None:
            _, _, record = delivery.token
            again.append((number, delivery.attempt, record.key, dict(record.headers)))

    other = Other(broker=place.broker())
    await other.start()
    letters = await place.bury(7, key="customer-3")
    taking = Taking(broker=place.broker())
    await taking.start()
    assert await place.bound().resend(*letters) == 1
    await until(lambda: again)
    await place.bound().send({"number": 8})
    await until(lambda: len(again) == 2 and 8 in others)
    assert again[0] == (7, 1, b"customer-3", {"trace": b"af"})
    assert others == [7, 8]
    await taking.stop()
    await other.stop()


async def test_message_of_a_group_of_its_own_goes_back_to_it(place: Site):
    """And to no other."""
    group = unique("group")
    letters = await place.bury(7, group=group)
    assert await place.bound().resend(*letters) == 1
    assert await place.broker().queue_length(place.queue.name, group=group) == 1
    _, records = await place.records(place.queue.name)
    assert len(records) == 1


async def test_letter_of_somebody_else_is_sent_to_all(place: Site):
    """It does not say who gave it up; key, headers and body are as they were."""
    there = place.bound()
    assert await place.bury() == []  # there is the topic
    producer = AIOKafkaProducer(**place.clients)
    await producer.start()
    await producer.send_and_wait(place.dead_topic, b'{"number": 1}', key=b"k", headers=[("theirs", b"1")])
    await producer.stop()
    await until(lambda: _is(there, 1))
    (letter,) = await there.dead()
    assert (letter.body, letter.reason, letter.attempts) == (b'{"number": 1}', "", 0)
    assert await there.resend(letter) == 1
    _, (record,) = await place.records(place.queue.name)
    assert (record.value, record.key, record.headers) == (b'{"number": 1}', b"k", (("theirs", b"1"),))


async def test_two_who_resend_at_the_same_time_lose_nothing(place: Site):
    """Both may send a message; the letters are gone."""
    letters = await place.bury(*range(6))
    counts = await asyncio.gather(place.bound().resend(*letters[:4]), place.bound().resend(*letters[2:]))
    assert 6 <= sum(counts) <= 8
    assert await place.bound().dead() == []
    assert await place.bound().length() == sum(counts)


async def test_letters_that_lie_far_apart_are_found(place: Site, monkeypatch: pytest.MonkeyPatch):
    """Each stretch is read by itself."""
    monkeypatch.setattr("microagent.tools.kafka.deadletters.NEAR", 2)
    letters = await place.bury(*range(9))
    there = place.bound()
    gone = [letters[number] for number in (0, 4, 5, 8)]
    assert await there.discard(*gone) == 4
    assert await there.dead() == [letter for letter in letters if letter not in gone]
    assert await there.discard(*letters[1:4]) == 3
    _, records = await place.records(place.dead_topic)
    assert [record.offset for record in records] == [6, 7, 8]
