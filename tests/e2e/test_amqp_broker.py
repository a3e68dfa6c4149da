"""What RabbitMQ has and other servers have not: exchanges, properties, definitions, its own messages in handlers."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiormq
import pytest
from aiormq.abc import DeliveredMessage
from support import unique, until

from microagent import (
    AuthError,
    BackendConnectionError,
    ConfigurationError,
    Delivery,
    MicroAgent,
    Queue,
    RetryPolicy,
    consumer,
)
from microagent.tools.amqp import AMQPBroker, UnroutableError, connecting


@pytest.fixture
async def broker(rabbitmq_url: str) -> AsyncIterator[AMQPBroker]:
    """A broker that is closed after the test."""
    async with AMQPBroker(rabbitmq_url, retry=RetryPolicy(first=0.05, factor=1)) as broker:
        yield broker


@pytest.fixture
async def channel(rabbitmq_url: str) -> AsyncIterator[aiormq.abc.AbstractChannel]:
    """A channel of the driver, beside any broker."""
    connection = await aiormq.connect(rabbitmq_url)
    yield await connection.channel()
    await connection.close()


async def consuming(broker: AMQPBroker, cls: type[MicroAgent]) -> MicroAgent:
    """An agent on ``broker``, which goes on when the agent is stopped."""
    broker._join(cls)
    agent = cls(broker=broker)
    await agent.start()
    return agent


def taker(queue: Queue) -> tuple[type[MicroAgent], list[dict[str, Any]]]:
    """An agent class that keeps what it gets, and the list it keeps it in."""
    got: list[dict[str, Any]] = []

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self, **message: Any) -> None:
            got.append(message)

    return Taker, got


# -- sending


async def test_message_is_persistent_json_in_a_durable_queue(broker, channel):
    """Server and message survive a restart together; the body is the JSON object alone."""
    queue = Queue(unique("queue"))
    await broker[queue.name].send({"number": 1})
    message = await channel.basic_get(queue.name, no_ack=True)
    assert message.body == b'{"number":1}'
    assert message.header.properties.delivery_mode == 2
    assert message.header.properties.content_type == "application/json"
    await channel.queue_declare(queue.name, durable=True)


async def test_properties_are_sent(broker, channel):
    """``properties`` are AMQP's own."""
    queue = Queue(unique("queue"))
    await broker.send(queue.name, "{}", properties={"priority": 3, "headers": {"trace": "abc"}})
    properties = (await channel.basic_get(queue.name, no_ack=True)).header.properties
    assert (properties.priority, properties.headers["trace"], properties.delivery_mode) == (3, "abc", 2)


async def test_message_that_no_queue_takes_is_refused(broker):
    """A name that nobody declared, or an exchange that is not there, is an error and not a loss; others go through."""
    queue = Queue(unique("queue"))
    outcomes = await asyncio.gather(
        broker.send("nobody_declares_this", "{}"),
        broker.send(queue.name, "{}", exchange="no_such_exchange"),
        broker.send(queue.name, "{}"),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [UnroutableError, UnroutableError, type(None)]
    assert "no_such_exchange" in str(outcomes[1])


async def test_message_that_fails_does_so_alone(broker, channel):
    """Of those that are sent at the same time, each sender is told of its own."""
    queue, exchange = Queue(unique("queue")), unique("exchange")
    await channel.exchange_declare(exchange)

    def send(**options: Any) -> Any:
        return broker.send(queue.name, "{}", **options)

    for _ in range(3):  # what was returned does not confuse what follows
        results = await asyncio.gather(
            send(),
            send(exchange=exchange),
            send(properties={"priority": 300}),
            send(exchange="x" * 256),
            *(send() for _ in range(20)),
            send(exchange=exchange, properties={"message_id": "same"}),
            send(properties={"message_id": "same"}),
            return_exceptions=True,
        )
        failed = {number: type(result) for number, result in enumerate(results) if result is not None}
        assert failed == {1: UnroutableError, 2: ConfigurationError, 3: ConfigurationError, 24: UnroutableError}
    assert await broker.queue_length(queue.name) == 66


async def test_message_that_may_get_lost_is_sent_all_the_same(broker):
    """``mandatory=False`` asks for no receiver."""
    await broker.send("nobody_declares_this", "{}", mandatory=False)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"immediate": True}, "cannot send with 'immediate'"),
        ({"topic": "a.b"}, "a topic needs an exchange"),
        ({"properties": {"colour": "red"}}, "colour"),
    ],
)
async def test_option_that_says_nothing_is_refused(broker, options, problem):
    """One sentence, and nothing is sent."""
    queue = Queue(unique("queue"))
    with pytest.raises(ConfigurationError, match=problem):
        await broker[queue.name].send({}, **options)
    assert await broker[queue.name].length() == 0


# -- exchanges


async def test_topics_choose_what_comes_to_a_queue(broker):
    """Queues that declare an exchange with topics get what matches them, and what is sent to their own name."""
    exchange = unique("exchange")
    paid = Queue(unique("queue"), exchange=exchange, topics=["order.paid", "bill.*"])
    orders = Queue(unique("queue"), exchange=exchange, topics=["order.*"])
    await broker[orders.name].send({"number": 0})
    await broker[paid.name].send({"number": 1}, topic="order.paid")
    await broker[paid.name].send({"number": 2}, topic="order.sent")
    await broker[paid.name].send({"number": 3}, topic="bill.sent")
    assert (await broker[paid.name].length(), await broker[orders.name].length()) == (2, 3)


async def test_queues_without_topics_all_get_everything(broker):
    """Fan-out: every queue of the exchange has its copy."""
    exchange = unique("exchange")
    queues = [Queue(unique("queue"), exchange=exchange) for _ in range(3)]
    for queue in queues:
        await broker[queue.name].send({}, topic="anything")
    assert [await broker[queue.name].length() for queue in queues] == [3, 2, 1]


async def test_exchange_that_exists_is_used_as_it_is(broker, channel):
    """Without topics, any kind of exchange will do."""
    exchange = unique("exchange")
    await channel.exchange_declare(exchange, exchange_type="fanout", auto_delete=True)
    queue = Queue(unique("queue"), exchange=exchange)
    await broker[queue.name].send({})
    assert await broker[queue.name].length() == 1


async def test_exchange_that_does_not_heed_topics_is_refused(broker, channel):
    """The error shows both kinds."""
    exchange = unique("exchange")
    await channel.exchange_declare(exchange, exchange_type="fanout", auto_delete=True)
    queue = Queue(unique("queue"), exchange=exchange, topics=["a.*"])
    with pytest.raises(ConfigurationError, match=r"has topics.*received 'topic' but current is 'fanout'"):
        await broker[queue.name].send({})


async def test_retried_message_comes_to_its_own_queue_alone(broker):
    """Of a message that went to several queues, only the copy that failed comes again."""
    exchange = unique("exchange")
    first, second = (Queue(unique("queue"), exchange=exchange) for _ in range(2))
    runs: list[int] = []

    class Failing(MicroAgent):
        @consumer(first)
        async def fail(self, delivery: Delivery) -> None:
            runs.append(delivery.attempt)
            if delivery.attempt == 1:
                raise RuntimeError

    cls, got = taker(second)
    await broker[second.name].send({})
    await consuming(broker, Failing)
    await consuming(broker, cls)
    await broker[first.name].send({})
    await until(lambda: runs == [1, 2])
    await until(lambda: len(got) == 2)
    assert await broker[second.name].length() == 0


# -- delays


async def test_delayed_message_keeps_what_its_sender_says(broker, channel):
    """Whoever reads the queue gets it in time, with its properties; while it waits, it is as durable as any other."""
    queue = Queue(unique("queue"))
    loop = asyncio.get_running_loop()
    due = loop.time() + 0.3
    properties = {"priority": 5, "headers": {"trace": "af7e"}, "message_id": "m1"}
    await broker[queue.name].send({"number": 1}, delay=0.3, properties=properties)
    waiting = [f"{queue.name}.later", f"{queue.name}.later.200"]
    for name in waiting:
        await channel.queue_declare(name, durable=True, passive=True)
    got: list[DeliveredMessage] = []

    async def take(message: DeliveredMessage) -> None:
        got.append(message)

    await channel.basic_consume(queue.name, take, no_ack=True)
    await until(lambda: got)
    assert loop.time() >= due
    sent = got[0].header.properties
    assert (got[0].body, sent.priority, sent.message_id, sent.delivery_mode) == (b'{"number":1}', 5, "m1", 2)
    assert sent.headers is not None
    assert sent.headers["trace"] == "af7e"
    assert got[0].delivery.routing_key == queue.name


async def test_delayed_message_comes_to_one_queue_alone(broker):
    """So it is refused where others would get it too, or where it could not wait so long; and nothing is sent."""
    alone, bound = Queue(unique("queue")), Queue(unique("queue"), exchange=unique("exchange"))
    for queue, options, problem in (
        (bound, {}, f"sent to exchange '{bound.declaration.exchange}' goes to all"),
        (alone, {"exchange": "amq.topic"}, "sent to exchange 'amq.topic' goes to all"),
        (alone, {"topic": "a.b"}, "a topic needs an exchange"),
        (alone, {"properties": {"expiration": "9"}}, "a message with a delay cannot have an expiration"),
        (alone, {"delay": 1e7}, "longer than the 77 days"),
    ):
        with pytest.raises(ConfigurationError, match=problem):
            await broker[queue.name].send({}, **{"delay": 0.1, **options})
        assert await broker[queue.name].length() == 0


async def test_place_to_wait_that_was_deleted_is_declared_again(broker, channel):
    """A sender does not have to be started anew."""
    queue = Queue(unique("queue"))
    cls, got = taker(queue)
    await consuming(broker, cls)
    await broker[queue.name].send({"number": 1}, delay=0.2)
    await until(lambda: got == [{"number": 1}])
    for name in (f"{queue.name}.later", f"{queue.name}.later.100"):
        await channel.queue_delete(name)
    await broker[queue.name].send({"number": 2}, delay=0.2)
    await until(lambda: got == [{"number": 1}, {"number": 2}])


# -- definitions


async def test_length_creates_no_queue(broker, channel):
    """A queue that is not there has no messages, and is not there afterwards."""
    name = unique("queue")
    assert await broker.queue_length(name) == 0
    assert await broker.dead(name) == []
    with pytest.raises(aiormq.ChannelNotFoundEntity):
        await channel.queue_declare(name, passive=True)


async def test_queue_that_exists_is_used_as_it_is(broker, channel):
    """A definition of somebody else stays: here one that is not durable, with a limit."""
    queue = Queue(unique("queue"))
    await channel.queue_declare(queue.name, durable=False, auto_delete=True, arguments={"x-max-length": 10})
    cls, got = taker(queue)
    await consuming(broker, cls)
    await broker[queue.name].send({"number": 1})
    await until(lambda: got == [{"number": 1}])


async def test_definition_that_differs_is_refused(broker):
    """``declare_queue`` says what it wants and what there is."""
    name = unique("queue")
    await broker.declare_queue(name)
    await broker.declare_queue(name)
    with pytest.raises(ConfigurationError, match=r"received 'false' but current is 'true'"):
        await broker.declare_queue(name, durable=False)


async def test_quorum_queue_if_asked(rabbitmq_url, channel):
    """``quorum=True`` makes new queues quorum queues; dead letters are kept in a classic one."""
    queue = Queue(unique("queue"))
    async with AMQPBroker(rabbitmq_url, quorum=True) as broker:
        await broker[queue.name].send({})
    await channel.queue_declare(queue.name, durable=True, arguments={"x-queue-type": "quorum"})


async def test_queue_says_itself_whether_it_is_a_quorum_queue(rabbitmq_url, channel):
    """What the declaration says goes before what the broker says, either way; a quorum queue is always durable."""
    asked, refused = Queue(unique("queue"), quorum=True), Queue(unique("queue"), quorum=False)
    async with AMQPBroker(rabbitmq_url, durable=False) as plain, AMQPBroker(rabbitmq_url, quorum=True) as replicating:
        await plain[asked.name].send({})
        await replicating[refused.name].send({})
    await channel.queue_declare(asked.name, durable=True, arguments={"x-queue-type": "quorum"})
    await channel.queue_declare(refused.name, durable=True, arguments={"x-queue-type": "classic"})


async def test_quorum_queue_counts_runs_that_end_with_their_connection(rabbitmq_url):
    """What was held when a connection broke comes again, counted apart; handing back counts nothing."""
    queue = Queue(unique("queue"), quorum=True)
    seen: list[tuple[int, int]] = []

    class Other(MicroAgent):
        @consumer(queue, retry=RetryPolicy(first=0.05))
        async def handle(self, delivery: Delivery) -> None:
            seen.append((delivery.attempt, delivery.crashes))
            if len(seen) == 2:
                delivery.release()
            if len(seen) < 4:
                raise RuntimeError

    async with AMQPBroker(rabbitmq_url) as broker:
        await broker[queue.name].send({})
        dying = await aiormq.connect(rabbitmq_url)
        await (await dying.channel()).basic_get(queue.name)
        await dying.close()
        await consuming(broker, Other)
        await until(lambda: len(seen) == 4)
        assert seen == [(1, 1), (2, 1), (2, 1), (3, 1)]


@pytest.mark.parametrize("quorum", [False, True])
async def test_order_is_kept_while_more_and_more_is_pushed(rabbitmq_url, quorum):
    """The window grows with the speed of a handler; nothing on its way is taken back for that, let alone counted."""
    queues = [Queue(unique("queue")) for _ in range(4)]
    got: dict[str, list[tuple[int, int]]] = {queue.name: [] for queue in queues}

    def taking(queue: Queue) -> type[MicroAgent]:
        class Taker(MicroAgent):
            @consumer(queue, concurrency=1)
            async def take(self, number: int, delivery: Delivery) -> None:
                got[queue.name].append((number, delivery.crashes))

        return Taker

    async with AMQPBroker(rabbitmq_url, quorum=quorum) as broker:
        await asyncio.gather(*(broker[queue.name].send({"number": n}) for n in range(200) for queue in queues))
        for queue in queues:
            await consuming(broker, taking(queue))
        await until(lambda: all(len(each) >= 200 for each in got.values()))
        assert all(each == [(number, 0) for number in range(200)] for each in got.values())


# -- the driver's own message


async def test_handler_acknowledges_with_putout(broker):
    """``amqp`` is the driver's message; ``putout`` and the channel's own methods settle it, once."""
    queue = Queue(unique("queue"))
    got: list[DeliveredMessage] = []

    class Settling(MicroAgent):
        @consumer(queue, autoack=False)
        async def handle(self, amqp: DeliveredMessage, how: str) -> None:
            got.append(amqp)
            if how == "putout":
                await AMQPBroker.putout(amqp)
            elif how == "ack":
                await amqp.channel.basic_ack(delivery_tag=amqp.delivery_tag)
            elif how == "reject":
                await amqp.channel.basic_reject(amqp.delivery_tag, requeue=False)
            elif not amqp.redelivered:
                await amqp.channel.basic_nack(amqp.delivery_tag)
            else:
                await AMQPBroker.putout(amqp)

    await consuming(broker, Settling)
    for how in ("putout", "ack", "reject", "requeue"):
        await broker[queue.name].send({"how": how})
    await until(lambda: len(got) == 5)
    await until(lambda: broker._workers[queue.name].held == 0)
    assert [letter.reason for letter in await broker[queue.name].dead()] == ["rejected by its handler"]
    assert await broker[queue.name].length() == 0
    assert got[0].body == b'{"how":"putout"}'
    assert got[0].routing_key == queue.name
    assert got[0].channel.number > 0


async def test_handler_settles_no_message_but_its_own(broker):
    """Acknowledging several at once would take in those of other handlers."""
    queue = Queue(unique("queue"))
    errors: list[Exception] = []

    class Greedy(MicroAgent):
        @consumer(queue)
        async def handle(self, amqp: DeliveredMessage) -> None:
            try:
                await amqp.channel.basic_ack(amqp.delivery_tag, multiple=True)
            except ConfigurationError as error:
                errors.append(error)

    await consuming(broker, Greedy)
    await broker[queue.name].send({})
    await until(lambda: errors)


async def test_handler_may_consume_on_its_channel(broker):
    """What comes to a consumer of the handler's making is the handler's, and not taken for a message of the queue."""
    queue, other = Queue(unique("queue")), unique("other")
    theirs: list[bytes] = []
    consumed = asyncio.Event()

    async def take(message: DeliveredMessage) -> None:
        theirs.append(message.body)
        await message.channel.basic_ack(message.delivery_tag)

    class Consuming(MicroAgent):
        @consumer(queue)
        async def handle(self, amqp: DeliveredMessage) -> None:
            await amqp.channel.queue_declare(other, exclusive=True)
            await amqp.channel.basic_consume(other, take)
            consumed.set()

    await consuming(broker, Consuming)
    await broker[queue.name].send({})
    await until(consumed.is_set)
    await broker.send(other, b"\xff")
    await until(lambda: theirs == [b"\xff"])


async def test_driver_that_takes_no_transport_reads_for_itself(rabbitmq_url, monkeypatch):
    """Then all is as it is else, though not as fast."""
    monkeypatch.setattr(connecting, "is_welcome", lambda: False)
    queue = Queue(unique("queue"))
    got: list[tuple[int, str, int]] = []

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self, number: int, amqp: DeliveredMessage, delivery: Delivery) -> None:
            got.append((number, amqp.routing_key or "", delivery.attempt))
            if delivery.attempt == 1:
                raise ValueError("once")

    async with AMQPBroker(rabbitmq_url, retry=RetryPolicy(first=0.05, factor=1)) as broker:
        await consuming(broker, Taker)
        await asyncio.gather(*(broker[queue.name].send({"number": number}) for number in range(50)))
        await until(lambda: len(got) == 100)
        await until(lambda: broker._workers[queue.name].held == 0)
        assert sorted(got) == sorted((number, queue.name, attempt) for number in range(50) for attempt in (1, 2))
        assert await broker[queue.name].length() == 0


async def test_connection_on_which_only_messages_come_is_not_given_up(rabbitmq_url, monkeypatch, caplog):
    """A server that sends messages all the time has no reason to send heartbeats as well."""
    monkeypatch.setattr(aiormq.Connection, "HEARTBEAT_GRACE_MULTIPLIER", 1.0)  # 2 s
    queue = Queue(unique("queue"))
    got: list[int] = []

    class Taker(MicroAgent):
        @consumer(queue, prefetch=10)  # fixed: the server has nothing else to say
        async def take(self, number: int) -> None:
            got.append(number)

    async with AMQPBroker(f"{rabbitmq_url}?heartbeat=1") as broker, AMQPBroker(rabbitmq_url) as sender:
        await consuming(broker, Taker)
        for number in range(35):
            await sender[queue.name].send({"number": number})
            await asyncio.sleep(0.1)
        await until(lambda: len(got) == 35)
    assert "connection lost" not in caplog.text


async def test_channel_of_the_broker(broker):
    """``get_channel`` gives the driver's channel, open."""
    channel = await broker.get_channel()
    name = unique("queue")
    await channel.queue_declare(name, exclusive=True)
    await channel.basic_publish(b"{}", routing_key=name)
    assert await broker.queue_length(name) == 1


# -- dead letters


async def test_dead_letter_keeps_what_its_sender_said(broker, channel):
    """Properties and headers stay, but for what would end it: the expiration."""
    queue = Queue(unique("queue"))
    cls, _ = taker(queue)
    await consuming(broker, cls)
    properties = {"message_id": "m1", "correlation_id": "c1", "expiration": "60000", "headers": {"trace": "abc"}}
    await broker.send(queue.name, "not json", properties=properties)
    await until(broker[queue.name].dead)
    (letter,) = await broker[queue.name].dead()
    assert letter.id == "m1"
    kept = (await channel.basic_get(f"{queue.name}.dead", no_ack=True)).header.properties
    assert (kept.correlation_id, kept.expiration, kept.headers["trace"]) == ("c1", None, "abc")


async def test_dead_letter_of_somebody_else_is_shown(broker, channel):
    """What was put there by other means has neither reason nor attempts."""
    queue = Queue(unique("queue"))
    await channel.queue_declare(f"{queue.name}.dead", durable=True)
    await channel.basic_publish(b"x", routing_key=f"{queue.name}.dead")
    (letter,) = await broker[queue.name].dead()
    assert (letter.body, letter.reason, letter.attempts, letter.time) == (b"x", "", 0, 0)


async def test_message_is_sent_again_to_its_own_queue_alone(broker, channel):
    """With what its sender said, and without what was said of its death; others of its exchange do not get it again."""
    exchange = unique("exchange")
    first, second = (Queue(unique("queue"), exchange=exchange) for _ in range(2))

    class Failing(MicroAgent):
        @consumer(first, retry=RetryPolicy(retries=0))
        async def fail(self) -> None:
            raise RuntimeError

    await broker[second.name].send({})  # so that it is bound
    agent = await consuming(broker, Failing)
    properties = {"message_id": "m1", "priority": 3, "headers": {"trace": "abc"}}
    await broker[first.name].send({}, properties=properties)
    await until(broker[first.name].dead)
    await agent.stop()
    before = await broker[second.name].length()
    assert await broker[first.name].resend(*await broker[first.name].dead()) == 1
    found = (await channel.basic_get(first.name, no_ack=True)).header.properties
    assert (found.message_id, found.priority, found.headers, found.delivery_mode) == ("m1", 3, {"trace": "abc"}, 2)
    assert await broker[second.name].length() == before


async def test_one_of_two_that_are_the_same_is_taken_away(broker, channel):
    """Somebody else has put them there: they have neither id nor time, and either will do."""
    queue = Queue(unique("queue"))
    await channel.queue_declare(f"{queue.name}.dead", durable=True)
    for _ in range(2):
        await channel.basic_publish(b"x", routing_key=f"{queue.name}.dead")
    letters = await broker[queue.name].dead()
    assert await broker[queue.name].discard(letters[0]) == 1
    assert await broker[queue.name].dead() == letters[1:]
    assert await broker[queue.name].discard(*letters) == 1


async def test_look_that_is_given_up_hides_no_letters(broker, channel, rabbitmq_url, monkeypatch):
    """What it held is given back, though the connection stays."""
    queue = Queue(unique("queue"))
    await channel.queue_declare(f"{queue.name}.dead", durable=True)
    for number in range(3):
        await channel.basic_publish(b"%d" % number, routing_key=f"{queue.name}.dead")
    looking = asyncio.create_task(broker[queue.name].dead())
    get, got, holds = aiormq.Channel.basic_get, list[Any](), asyncio.Event()

    async def get_one(self: Any, name: str) -> Any:
        if got:
            holds.set()
            await asyncio.Event().wait()
        got.append(await get(self, name))
        return got[0]

    with monkeypatch.context() as patch:
        patch.setattr(aiormq.Channel, "basic_get", get_one)
        await holds.wait()
        looking.cancel()
        await asyncio.wait([looking])
    async with AMQPBroker(rabbitmq_url) as other:
        assert [letter.body for letter in await other[queue.name].dead()] == [b"0", b"1", b"2"]


async def test_message_that_cannot_be_moved_goes_back(broker, channel, caplog):
    """When the server does not take its copy, a failed message is not lost: it runs again until it can be moved."""
    queue = Queue(unique("queue"))
    full = f"{queue.name}.retry.100"
    await channel.queue_declare(full, durable=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    await channel.basic_publish(b"{}", routing_key=full)
    attempts: list[int] = []

    class Failing(MicroAgent):
        @consumer(queue)
        async def fail(self, delivery: Delivery) -> None:
            attempts.append(delivery.attempt)
            if delivery.attempt == 1:
                raise RuntimeError

    await consuming(broker, Failing)
    await broker[queue.name].send({})
    await until(lambda: attempts == [1, 1])
    await channel.queue_delete(full)
    await until(lambda: attempts[-1] == 2, 60)  # a queue of this kind takes a busy server some time to declare
    assert "cannot be moved, and goes back" in caplog.text


# -- being refused


@pytest.mark.parametrize(
    ("user", "vhost", "problem"),
    [("guest:wrong-secret", "", "ACCESS_REFUSED"), (None, "nowhere", "virtual host 'nowhere'")],
)
async def test_refusal_is_one_error_at_once(rabbitmq_url, user, vhost, problem, caplog):
    """A wrong password or virtual host is no reason to go on trying; the password is nowhere to be read."""
    right, _, place = rabbitmq_url.removeprefix("amqp://").rpartition("@")
    cls, _ = taker(Queue(unique("queue")))
    agent = cls(broker=AMQPBroker(f"amqp://{user or right}@{place.partition('/')[0]}/{vhost}"))
    async with asyncio.timeout(5):
        with pytest.raises(AuthError, match=problem) as raised:
            await agent.start()
    assert "wrong-secret" not in f"{raised.value!r}{caplog.text}{agent.info()}"


async def test_server_that_says_nothing_is_away():
    """Something that takes connections and is silent is not waited for."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        broker = AMQPBroker(f"amqp://127.0.0.1:{silent.getsockname()[1]}/", send_timeout=0.2)
        with pytest.raises(BackendConnectionError, match="no connection in time"):
            await broker.send("anything", "{}")
        await broker.close()


@pytest.mark.parametrize("dsn", ["amqp:///", "amqp://", "amqp://host:port/"])
def test_dsn_without_a_host_is_refused(dsn):
    """One sentence, before anything connects."""
    with pytest.raises(ConfigurationError):
        AMQPBroker(dsn)


# -- consuming


async def test_consumer_that_becomes_slow_leaves_messages_to_others(broker, rabbitmq_url):
    """While handlers are quick, much is pushed ahead; when they get stuck, what they cannot begin goes back."""
    queue = Queue(unique("queue"))
    gate = asyncio.Event()
    begun: list[int] = []

    class Stuck(MicroAgent):
        @consumer(queue, concurrency=2, timeout=60)
        async def take(self, number: int) -> None:
            begun.append(number)
            if number >= 500:
                await gate.wait()

    agent = await consuming(broker, Stuck)
    await asyncio.gather(*(broker[queue.name].send({"number": number}) for number in range(700)))
    await until(lambda: 500 in begun)
    cls, got = taker(queue)
    second = cls(broker=AMQPBroker(rabbitmq_url))
    await second.start()
    await until(lambda: got and len(got) + broker._workers[queue.name].held == 200)
    await agent.stop(timeout=0)
    await until(lambda: sorted(message["number"] for message in got) == list(range(500, 700)))
    await second.stop()


async def test_all_that_was_held_goes_back_to_its_place(rabbitmq_url, channel):
    """After ``stop`` nothing is left: all is ready for others, in the order in which it was sent."""
    queue = Queue(unique("queue"))
    started = asyncio.Event()

    class Slow(MicroAgent):
        @consumer(queue, prefetch=5)
        async def handle(self, number: int) -> None:
            started.set()
            await asyncio.Event().wait()

    agent = Slow(broker=AMQPBroker(rabbitmq_url))
    await agent.start()
    await asyncio.gather(*(agent.broker[queue.name].send({"number": number}) for number in range(9)))
    await started.wait()
    await agent.stop(timeout=0)
    bodies = [(await channel.basic_get(queue.name, no_ack=True)).body for _ in range(9)]
    assert bodies == [b'{"number":%d}' % number for number in range(9)]
