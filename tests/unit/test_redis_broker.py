"""Queues on Redis: what lies where, and how consumers of several processes meet there."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis
from support import settled, unique, until

from microagent import BackendError, ConfigurationError, MicroAgent, Queue, RetryPolicy, consumer
from microagent.delivery import DeadLetter, Outgoing, Verdict
from microagent.tools.redis import RedisBroker


@pytest.fixture
def name() -> str:
    """Of a queue."""
    return Queue(unique("queue")).name


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    """A connection that knows nothing of us."""
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
async def broker(redis_url: str) -> AsyncIterator[RedisBroker]:
    async with RedisBroker(redis_url) as broker:
        yield broker


async def ours(client: Redis, name: str) -> set[str]:
    """The parts of our keys for a queue."""
    return {key.decode().partition(":")[2] for key in await client.keys(f"{{{name}}}:*")}


async def settle(broker: RedisBroker, delivery: Any, verdict: Verdict, **how: Any) -> None:
    await broker._settle([settled(delivery, verdict, **how)])


async def test_message_is_an_element_of_the_list_named_as_the_queue(broker, client, name):
    """At its right end, the body alone: what other producers and consumers of the list do as well."""
    await broker.send(name, '{"number": 1}')
    await broker[name].send({"number": 2})
    assert [json.loads(body) for body in await client.lrange(name, 0, -1)] == [{"number": 1}, {"number": 2}]
    assert await ours(client, name) == set()


async def test_message_of_any_producer_is_taken(broker, client, name):
    """Whatever pushes to the list sends a message."""
    await client.rpush(name, '{"number": 1}', '{"number": 2}')
    taken = await broker._take(name, 10)
    assert [delivery.body for delivery in taken] == [b'{"number": 1}', b'{"number": 2}']
    assert await client.exists(name) == 0


@pytest.mark.parametrize("verdict", [Verdict.ACK, Verdict.BURY])
async def test_settled_message_leaves_nothing_behind(broker, client, name, verdict):
    """But the counters of the queue, and a dead letter."""
    await broker.send(name, "{}")
    (delivery,) = await broker._take(name, 10)
    await settle(broker, delivery, Verdict.RETRY)
    (delivery,) = await broker._take(name, 10)
    await settle(broker, delivery, verdict, reason="enough")
    assert await ours(client, name) == {"counters"} | ({"dead"} if verdict is Verdict.BURY else set())


async def test_nothing_of_ours_goes_back_onto_the_list(broker, client, name):
    """What is retried, released or left by a silent holder stays beside the list, which others read too."""
    for _ in range(3):
        await broker.send(name, "{}")
    first, second = await broker._take(name, 2)
    await settle(broker, first, Verdict.RETRY, delay=60)
    await settle(broker, second, Verdict.RELEASE)
    async with RedisBroker(broker.dsn, lease=0.001) as silent:
        assert len(await silent._take(name, 2)) == 2
        await asyncio.sleep(0.01)
        await silent._maintain(name)
    assert await client.exists(name) == 0
    assert await broker[name].length() == 3


async def test_dead_letter_says_all(broker, client, name):
    """It is an entry of the stream ``{name}:dead``: body, reason, attempts and time, for any tool to read."""
    await broker.send(name, '{"a":  1}')
    (delivery,) = await broker._take(name, 1)
    await settle(broker, delivery, Verdict.BURY, reason="no such address ü")
    ((_, entry),) = await client.xrange(f"{{{name}}}:dead")
    assert (entry[b"body"], entry[b"attempts"]) == (b'{"a":  1}', b"1")
    (letter,) = await broker.dead(name)
    assert (letter.reason, letter.attempts, letter.queue) == ("no such address ü", 1, name)
    assert letter.time == float(entry[b"time"])


async def buried(broker: RedisBroker, name: str, *bodies: str) -> list[DeadLetter]:
    for body in bodies:
        await broker.send(name, body)
        (delivery,) = await broker._take(name, 1)
        await settle(broker, delivery, Verdict.BURY, reason="no")
    return await broker.dead(name, len(bodies))


async def test_resent_message_is_an_element_of_the_list(broker, client, name):
    """At its right end, in the order in which the letters were given, for other consumers of the list as well."""
    one, two, three = await buried(broker, name, "1", "2", "3")
    await broker.send(name, "0")
    assert await broker[name].resend(three, one) == 2
    assert await client.lrange(name, 0, -1) == [b"0", b"3", b"1"]
    assert await broker.dead(name) == [two]


async def test_letters_are_given_to_the_server_in_portions(broker, client, name, monkeypatch):
    """However many there are, in one round trip."""
    monkeypatch.setattr("microagent.tools.redis.broker.MOST_LETTERS", 2)
    letters = await buried(broker, name, *map(str, range(7)))
    assert await broker[name].resend(*letters[:5]) == 5
    assert await broker[name].discard(*letters) == 2
    assert await client.lrange(name, 0, -1) == [b"0", b"1", b"2", b"3", b"4"]


async def test_letter_stays_when_its_message_is_refused(broker, client, name):
    """What is named as the queue and no list takes no message: the letter is still there, and somebody is told."""
    (letter,) = await buried(broker, name, "1")
    await client.set(name, "no list")
    with pytest.raises(BackendError, match="WRONGTYPE"):
        await broker[name].resend(letter)
    assert await broker.dead(name) == [letter]
    await client.delete(name)
    assert await broker[name].resend(letter) == 1


async def test_entry_of_somebody_else_is_a_letter_too(broker, client, name):
    """Whatever it says of itself; without a body there is nothing to send, and it can be discarded."""
    for fields in (
        {"body": "{}"},
        {"attempts": "-1", "time": "nan", "reason": b"\xff"},
        {"attempts": "many", "time": "x"},
    ):
        await client.xadd(f"{{{name}}}:dead", fields)
    first, second, third = await broker.dead(name)
    assert [(each.attempts, each.reason) for each in (first, second, third)] == [(0, ""), (0, "\ufffd"), (0, "")]
    assert all(each.time > 1_600_000_000 for each in (first, second, third))
    assert await broker[name].resend(first, second, third) == 1
    assert await client.lrange(name, 0, -1) == [b"{}"]
    assert await broker[name].discard(first, second, third) == 2


async def test_what_comes_again_comes_first(broker, name):
    """In its old order, before what is new."""
    for number in range(4):
        await broker.send(name, str(number))
    held = await broker._take(name, 3)
    for delivery in (held[2], held[0], held[1]):
        await settle(broker, delivery, Verdict.RELEASE)
    assert [delivery.body for delivery in await broker._take(name, 10)] == [b"0", b"1", b"2", b"3"]


async def test_a_take_is_bounded_in_bytes(broker, name):
    """Large messages are taken a few at a time, so that their leases begin when they are soon to be handled."""
    body = b'"' + b"x" * (1 << 20) + b'"'
    await broker._push([Outgoing(name, body)] * 10)
    assert len(await broker._take(name, 10)) == 4


async def test_many_are_taken_and_settled_as_if_one_by_one(broker, client, name):
    """A thousand in one go, in order; each gets its own verdict, and one that was lost gets none."""
    bodies = [str(number).encode() + b" " * (number % 100 == 0) * 1000 for number in range(1000)]
    await broker._push([Outgoing(name, body) for body in bodies])
    taken = await broker._take(name, 2000)
    assert [delivery.body for delivery in taken] == bodies
    assert len({delivery.id for delivery in taken}) == 1000
    other = await broker._take(name, 10)
    assert other == []
    verdicts = (Verdict.ACK, Verdict.RELEASE, Verdict.RETRY, Verdict.BURY)
    taken[0].token = 999  # somebody else has it by now
    await broker._settle(
        [settled(delivery, verdicts[number % 4], reason="no") for number, delivery in enumerate(taken)]
    )
    again = await broker._take(name, 2000)
    assert [delivery.body for delivery in again] == [body for n, body in enumerate(bodies) if n % 4 in (1, 2)]
    assert [delivery.attempt for delivery in again[:2]] == [1, 2]
    assert len(await broker.dead(name, 1000)) == 250
    await broker._settle([settled(delivery, Verdict.ACK) for delivery in again])
    assert await client.hlen(f"{{{name}}}:held:{taken[1].token}") == 1  # the one that was lost
    assert await ours(client, name) == {"counters", "dead", "leased", f"held:{taken[1].token}"}


async def test_large_messages_behind_small_ones_are_left(broker, client, name):
    """What does not fit into a take stays on the list, untouched."""
    large = b'"' + b"x" * (1 << 20) + b'"'
    await broker._push([Outgoing(name, body) for body in [b"1"] * 20 + [large] * 10])
    assert len(await broker._take(name, 100)) == 24
    assert await client.llen(name) == 6


async def test_idle_consumer_hears_of_what_another_hands_back(redis_server, name):
    """At once, though nothing comes onto the list."""
    got = asyncio.Event()

    class Taker(MicroAgent):
        @consumer(Queue(name))
        async def take(self) -> None:
            got.set()

    async with RedisBroker(redis_server.url) as broker:
        await broker.send(name, "{}")
        (delivery,) = await broker._take(name, 1)
        agent = await _started(Taker, RedisBroker(redis_server.url, lease=3600), BIND_TIME=3600)
        await until(lambda: _blocked(broker, 2))
        await settle(broker, delivery, Verdict.RELEASE)
        await asyncio.wait_for(got.wait(), 1)
        await agent.stop()


async def _started(cls: type[MicroAgent], broker: RedisBroker, **settings: float) -> MicroAgent:
    for key, value in settings.items():
        setattr(broker, key, value)
    agent = cls(broker=broker)
    await agent.start()
    return agent


async def _blocked(broker: RedisBroker, count: int) -> bool:
    (told,) = await broker._sending.to("").ask(("INFO", "clients"))
    return f"blocked_clients:{count}\r\n".encode() in told


async def test_retried_message_is_due_in_time_for_an_idle_consumer(redis_url, name):
    """Its delay is waited for to the millisecond, not to the next look of a sweep."""
    moments: list[float] = []

    class Failing(MicroAgent):
        @consumer(Queue(name), retry=RetryPolicy(retries=1, first=0.2, jitter=0))
        async def fail(self) -> None:
            moments.append(asyncio.get_running_loop().time())
            raise RuntimeError

    agent = await _started(Failing, RedisBroker(redis_url, lease=3600), BIND_TIME=3600)
    await agent.broker[name].send({})
    await until(lambda: len(moments) == 2)
    assert 0.19 < moments[1] - moments[0] < 0.9
    await agent.stop()


async def test_delayed_message_is_due_in_time_for_an_idle_consumer(redis_url, client, name):
    """Who sends it is another process, and knows of no consumer; none of ours is on the list meanwhile."""
    moments: list[float] = []

    class Taker(MicroAgent):
        @consumer(Queue(name))
        async def take(self) -> None:
            moments.append(asyncio.get_running_loop().time())

    agent = await _started(Taker, RedisBroker(redis_url, lease=3600), BIND_TIME=3600)
    async with RedisBroker(redis_url) as broker:
        await broker[name].send({}, delay=60)
        began = asyncio.get_running_loop().time()
        await broker[name].send({}, delay=0.3)
        assert await client.exists(name) == 0
        await until(lambda: moments)
    assert 0.29 < moments[0] - began < 0.9
    await agent.stop()


async def test_delayed_messages_are_beside_the_list(broker, client, name):
    """By when they are due, on the server's clock; who reads the list alone never sees them."""
    await broker[name].send({"number": 1}, delay=60)
    await broker[name].send({"number": 2}, delay=1e9)
    assert await client.exists(name) == 0
    assert await ours(client, name) == {"counters", "bodies", "delayed", "bell"}
    assert await client.hgetall(f"{{{name}}}:bodies") == {b"1": b'{"number":1}', b"2": b'{"number":2}'}
    (seconds, _), waiting = await client.time(), await client.zrange(f"{{{name}}}:delayed", 0, -1, withscores=True)
    due = [score / 1000 - seconds for _, score in waiting]
    assert due == pytest.approx([60, 1e9], abs=5)
    assert await broker._take(name, 10) == []
    assert await ours(client, name) == {"counters", "bodies", "delayed"}


async def test_what_is_sent_together_is_one_round_trip(broker, client, name, monkeypatch):
    """Whatever its delay; a server that has forgotten the script is asked once more, for what needs it alone."""
    await broker.send(name, "{}")
    asked: list[list[str]] = []
    line = broker._sending.to(name)
    ask = line.ask

    async def counted(*commands: Any) -> list[Any]:
        asked.append([command[0] for command in commands])
        return await ask(*commands)

    monkeypatch.setattr(line, "ask", counted)
    await client.script_flush()
    for _ in range(2):
        await asyncio.gather(*(broker[name].send({}, delay=60 * (number % 2)) for number in range(10)))
    assert asked == [["RPUSH", "EVALSHA"], ["EVAL"], ["RPUSH", "EVALSHA"]]
    assert (await client.llen(name), await broker[name].length()) == (11, 21)


async def test_rollback_attempts_is_how_often_a_message_is_tried_again(redis_url):
    """As an argument, or as an attribute of the class or of the object; ``retry`` is stronger."""

    class Persistent(RedisBroker):
        ROLLBACK_ATTEMPTS = 7

    assert Persistent(redis_url)._policy().retries == 7
    assert RedisBroker(redis_url)._policy().retries == RedisBroker.ROLLBACK_ATTEMPTS == 3
    assert RedisBroker(redis_url, ROLLBACK_ATTEMPTS=1)._policy().retries == 1
    assert RedisBroker(redis_url, ROLLBACK_ATTEMPTS=1, retry=RetryPolicy(retries=2))._policy().retries == 2
    broker = RedisBroker(redis_url)
    broker.ROLLBACK_ATTEMPTS = 5
    assert broker._policy().retries == 5


@pytest.mark.parametrize("options", [{"WAIT_TIME": "15"}, {"BIND_TIME": 0}, {"ROLLBACK_ATTEMPTS": -1}])
def test_what_is_called_in_capitals_is_looked_at_too(options):
    """When the broker is made."""
    with pytest.raises(ConfigurationError, match="has to be a"):
        RedisBroker("redis://localhost", **options)


async def test_wait_time_is_how_long_the_server_is_asked_to_wait(redis_url, name):
    """A wait without a message ends after WAIT_TIME seconds, and the next one begins."""
    broker = RedisBroker(redis_url, WAIT_TIME=0.1)
    async with broker:
        watch = broker._watch(name)
        await asyncio.wait_for(watch.wait(), 5)
        await watch.close()


@pytest.mark.parametrize("said", [{"exchange": "events", "topics": ["order.*"]}, {"quorum": True}])
async def test_queue_with_what_redis_lacks_is_refused_at_the_start(redis_url, said):
    """A consumer that would hear nothing helps nobody, nor does a queue that is not what it was declared to be."""
    queue = Queue(unique("queue"), **said)

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self) -> None:
            """Never comes to it."""

    broker = RedisBroker(redis_url)
    with pytest.raises(ConfigurationError, match=f"'{next(iter(said))}', which RedisBroker does not have"):
        await Taker(broker=broker).start()
    await broker.close()


async def test_option_of_another_server_is_refused_on_send(broker, name):
    """What would be ignored is an error, and the messages beside it are sent."""
    sent = await asyncio.gather(
        broker[name].send({"number": 1}),
        broker[name].send({"number": 2}, exchange="events"),
        broker[name].send({"number": 3}),
        return_exceptions=True,
    )
    assert [type(each) for each in sent] == [type(None), ConfigurationError, type(None)]
    assert "exchange" in str(sent[1])
    assert [delivery.body for delivery in await broker._take(name, 10)] == [b'{"number":1}', b'{"number":3}']


async def test_key_that_is_no_list_is_one_clear_error(broker, client, name):
    """And other queues are served as ever."""
    other = Queue(unique("queue")).name
    await client.set(name, "mine")
    sent = await asyncio.gather(broker[name].send({}), broker[other].send({}), return_exceptions=True)
    assert isinstance(sent[0], BackendError)
    assert "wrong kind of value" in str(sent[0])
    assert sent[1] is None
    await client.delete(name)


async def test_settlement_of_many_queues_is_one_round_trip(broker):
    """Each queue's verdicts are carried out."""
    names = [Queue(unique("queue")).name for _ in range(3)]
    held = []
    for name in names:
        await broker.send(name, "{}")
        held += await broker._take(name, 1)
    await broker._settle([settled(delivery, Verdict.ACK) for delivery in held])
    assert await broker._renew(held) == set(held)
