"""What is promised of queues, on every backend: at least once, and no accepted message is lost."""

import asyncio
import logging
import math
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from support import unique, until

from microagent import (
    ConfigurationError,
    Delivery,
    HandlerError,
    MicroAgent,
    Queue,
    QueueNotFound,
    QueueSerializingError,
    RetryPolicy,
    consumer,
)

ORDER = {
    "type": "object",
    "properties": {"number": {"type": "integer"}, "note": {"type": "string"}},
    "required": ["number"],
}


def collector(queue: Queue, **options: Any) -> tuple[type[MicroAgent], list[dict[str, Any]]]:
    """An agent class that keeps every message of a queue, and the list it keeps them in."""
    got: list[dict[str, Any]] = []

    class Collector(MicroAgent):
        @consumer(queue, **options)
        async def collect(self, **message: Any) -> None:
            got.append(message)

    return Collector, got


async def test_every_message_sent_is_handled_once(backend, queue_name):
    """What ``send`` has returned for is handled, each message once while nothing fails."""
    cls, got = collector(Queue(queue_name))
    broker = backend.broker()
    for number in range(50):
        await broker[queue_name].send({"number": number})
    await backend.consume(cls)
    await asyncio.gather(*(broker[queue_name].send({"number": number}) for number in range(50, 150)))
    await until(lambda: len(got) == 150)
    await until(partial(_is_empty, broker, queue_name))  # the server is told after the last handler has ended
    assert Counter(message["number"] for message in got) == Counter(range(150))


async def _is_empty(broker, name):
    return await broker[name].length() == 0


async def test_length_counts_what_waits(backend, queue_name):
    """``length`` is the number of messages that wait."""
    Queue(queue_name)
    broker = backend.broker()
    assert await broker[queue_name].length() == 0
    for _ in range(3):
        await broker[queue_name].send({})
    assert await broker[queue_name].length() == 3
    assert await broker.queue_length(queue_name) == 3


async def test_length_counts_what_waits_for_its_next_try(backend, queue_name):
    """A message that failed and waits for its next run is counted too."""
    queue = Queue(queue_name)
    failed = asyncio.Event()

    class Failing(MicroAgent):
        @consumer(queue, retry=RetryPolicy(first=60))
        async def fail(self) -> None:
            failed.set()
            raise RuntimeError

    agent = await backend.consume(Failing)
    await agent.broker[queue_name].send({})
    await failed.wait()
    await until(lambda: agent.broker._workers[queue_name].held == 0)
    assert await agent.broker[queue_name].length() == 1


async def test_messages_start_in_order_of_arrival(backend, queue_name):
    """One handler at a time sees the messages in the order in which they were sent."""
    cls, got = collector(Queue(queue_name), concurrency=1)
    broker = backend.broker()
    for number in range(100):
        await broker[queue_name].send({"number": number})
    await backend.consume(cls)
    await until(lambda: len(got) == 100)
    assert [message["number"] for message in got] == list(range(100))


async def test_failed_message_is_buried_after_its_last_run(backend, queue_name):
    """A handler that always fails sees a message 1 + retries times; then it is a dead letter, body unchanged."""
    queue = Queue(queue_name)
    attempts: list[int] = []

    class Failing(MicroAgent):
        @consumer(queue)
        async def fail(self, delivery: Delivery, **message: Any) -> None:
            attempts.append(delivery.attempt)
            raise ValueError("no such address")

    agent = await backend.consume(Failing)
    before = datetime.now(UTC).timestamp()
    await agent.broker.send(queue_name, '{"email":  "a@b.c"}')
    await until(agent.broker[queue_name].dead)
    assert attempts == [1, 2, 3, 4]
    (letter,) = await agent.broker[queue_name].dead()
    assert (letter.queue, letter.body, letter.attempts) == (queue_name, b'{"email":  "a@b.c"}', 4)
    assert letter.reason == "ValueError: no such address"
    assert before - 1 < letter.time < datetime.now(UTC).timestamp() + 1
    assert await agent.broker[queue_name].length() == 0


async def test_message_that_recovers_is_done(backend, queue_name):
    """A message whose third run succeeds is done: not run again, not dead."""
    queue = Queue(queue_name)
    runs: list[int] = []

    class Recovering(MicroAgent):
        @consumer(queue)
        async def handle(self, delivery: Delivery) -> None:
            runs.append(delivery.attempt)
            if delivery.attempt < 3:
                raise ConnectionError

    agent = await backend.consume(Recovering)
    await agent.broker[queue_name].send({})
    await until(lambda: len(runs) == 3)
    await agent.stop()
    broker = backend.broker()
    assert runs == [1, 2, 3]
    assert await broker[queue_name].length() == 0
    assert await broker[queue_name].dead() == []


async def test_retry_waits_for_its_delay(backend, queue_name):
    """A failed message does not come again before its delay is over."""
    queue = Queue(queue_name)
    moments: list[float] = []

    class Failing(MicroAgent):
        @consumer(queue, retry=RetryPolicy(retries=1, first=0.3, jitter=0))
        async def fail(self) -> None:
            moments.append(asyncio.get_running_loop().time())
            raise RuntimeError

    agent = await backend.consume(Failing)
    await agent.broker[queue_name].send({})
    await until(lambda: len(moments) == 2)
    assert moments[1] - moments[0] >= 0.29


async def test_failed_runs_are_counted_across_consumers(backend, queue_name):
    """The count of failed runs belongs to the message: another consumer goes on with it."""
    queue = Queue(queue_name)
    seen: list[int] = []

    class Failing(MicroAgent):
        @consumer(queue)
        async def fail(self, delivery: Delivery) -> None:
            seen.append(delivery.attempt)
            raise RuntimeError

    first = await backend.consume(Failing, retry=RetryPolicy(first=0.2, jitter=0))
    await first.broker[queue_name].send({})
    await until(lambda: seen == [1])
    await until(lambda: first.broker._workers[queue_name].held == 0)
    await first.stop()
    await backend.consume(Failing)
    await until(lambda: len(seen) >= 2)
    assert seen[1] == 2


async def test_timeout_is_a_failure(backend, queue_name):
    """A handler that does not finish within its timeout is cancelled, and that is a failed run."""
    queue = Queue(queue_name)

    class Slow(MicroAgent):
        @consumer(queue, timeout=0.05, retry=RetryPolicy(retries=0))
        async def wait(self) -> None:
            await asyncio.Event().wait()

    agent = await backend.consume(Slow)
    await agent.broker[queue_name].send({})
    await until(agent.broker[queue_name].dead)
    (letter,) = await agent.broker[queue_name].dead()
    assert letter.reason.startswith("TimeoutError: handler did not finish within")


@pytest.mark.parametrize("body", [b"not json", b"\xff\xfe", b"[1]", b"", b"NaN", b"[" * 100_000])
async def test_body_that_makes_no_sense_is_buried_at_once(backend, queue_name, body):
    """No handler runs on it; it is a dead letter with its bytes unchanged, and the next message is handled."""
    cls, got = collector(Queue(queue_name))
    agent = await backend.consume(cls)
    await agent.broker.send(queue_name, body)
    await agent.broker[queue_name].send({"number": 1})
    await until(agent.broker[queue_name].dead)
    await until(lambda: got == [{"number": 1}])
    (letter,) = await agent.broker[queue_name].dead()
    assert letter.body == body
    assert letter.attempts == 1


async def test_misfit_is_buried_by_a_strict_consumer(backend, queue_name):
    """With ``validate='strict'`` a message that does not fit its declaration is buried at once, with the reason."""
    cls, got = collector(Queue(queue_name, payload=ORDER))
    agent = await backend.consume(cls, validate="strict")
    await agent.broker.send(queue_name, '{"number": "7"}')
    await until(agent.broker[queue_name].dead)
    (letter,) = await agent.broker[queue_name].dead()
    assert "number" in letter.reason
    assert got == []


async def test_misfit_is_handled_with_a_warning_by_default(backend, queue_name, caplog):
    """Without it, the message is handled, and one warning names what is wrong."""
    cls, got = collector(Queue(queue_name, payload=ORDER))
    agent = await backend.consume(cls)
    await agent.broker.send(queue_name, '{"number": "7"}')
    await until(lambda: got == [{"number": "7"}])
    assert [record for record in caplog.records if "number" in record.getMessage()]


async def test_strict_sender_refuses_a_misfit(backend, queue_name):
    """A strict broker does not send what does not fit; a default one warns and sends."""
    Queue(queue_name, payload=ORDER)
    strict = backend.broker(validate="strict")
    with pytest.raises(QueueSerializingError, match="number"):
        await strict[queue_name].send({"number": "7"})
    assert await strict[queue_name].length() == 0
    await backend.broker()[queue_name].send({"number": "7"})
    assert await strict[queue_name].length() == 1


@pytest.mark.parametrize("value", [math.nan, {1, 2}, datetime(2024, 1, 1, tzinfo=UTC), b"bytes", "\ud800"])
async def test_what_json_cannot_say_is_not_sent(backend, queue_name, value):
    """``send`` raises, and the queue stays as it was."""
    Queue(queue_name)
    broker = backend.broker()
    with pytest.raises(QueueSerializingError, match=queue_name):
        await broker[queue_name].send({"value": value})
    assert await broker[queue_name].length() == 0


async def test_unknown_queue_is_named(backend):
    """A queue that nobody declares is an error that says so."""
    with pytest.raises(QueueNotFound, match="no_such_queue"):
        await backend.broker().no_such_queue.send({})


async def test_no_more_than_concurrency_run_at_once(backend, queue_name):
    """``concurrency`` handlers run at once, and not one more."""
    queue = Queue(queue_name)
    running = peak = done = 0
    gate = asyncio.Event()

    class Counting(MicroAgent):
        @consumer(queue, concurrency=3)
        async def handle(self) -> None:
            nonlocal running, peak, done
            running += 1
            peak = max(peak, running)
            await gate.wait()
            running -= 1
            done += 1

    agent = await backend.consume(Counting)
    for _ in range(12):
        await agent.broker[queue_name].send({})
    await until(lambda: running == 3)
    gate.set()
    await until(lambda: done == 12)
    assert peak == 3


@pytest.mark.needs("messages for whoever is free")
async def test_slow_consumer_holds_no_more_than_its_prefetch(backend, queue_name):
    """What a consumer holds beyond its prefetch stays in the queue, for others."""
    queue = Queue(queue_name)
    gate = asyncio.Event()
    first: list[int] = []
    second: list[int] = []

    class Slow(MicroAgent):
        @consumer(queue, concurrency=2, prefetch=2)
        async def handle(self, number: int) -> None:
            first.append(number)
            await gate.wait()

    class Quick(MicroAgent):
        @consumer(queue)
        async def handle(self, number: int) -> None:
            second.append(number)

    slow = await backend.consume(Slow)
    for number in range(10):
        await slow.broker[queue_name].send({"number": number})
    await until(lambda: len(first) == 2)
    await backend.consume(Quick)
    await until(lambda: len(second) == 8)
    gate.set()
    await until(lambda: slow.broker._workers[queue_name].held == 0)
    assert sorted(first + second) == list(range(10))


async def test_stop_lets_handlers_finish(backend, queue_name):
    """``stop`` waits for handlers that run; what they finish is done."""
    queue = Queue(queue_name)
    started, gate = asyncio.Event(), asyncio.Event()
    done: list[int] = []

    class Slow(MicroAgent):
        @consumer(queue)
        async def handle(self) -> None:
            started.set()
            await gate.wait()
            done.append(1)

    agent = await backend.consume(Slow)
    await agent.broker[queue_name].send({})
    await started.wait()
    stopping = asyncio.create_task(agent.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    gate.set()
    await stopping
    broker = backend.broker()
    assert done == [1]
    assert await broker[queue_name].length() == 0
    assert await broker[queue_name].dead() == []


async def test_stop_hands_back_what_does_not_finish(backend, queue_name):
    """Handlers that outlast the timeout of ``stop`` are cancelled; their messages come again at once, not counted."""
    queue = Queue(queue_name)
    started = asyncio.Event()
    attempts: list[tuple[int, int]] = []

    class Slow(MicroAgent):
        @consumer(queue)
        async def handle(self) -> None:
            started.set()
            await asyncio.Event().wait()

    class Other(MicroAgent):
        @consumer(queue)
        async def handle(self, delivery: Delivery) -> None:
            attempts.append((delivery.attempt, delivery.crashes))

    agent = await backend.consume(Slow)
    await agent.broker[queue_name].send({})
    await started.wait()
    await agent.stop(timeout=0.05)
    assert await backend.broker()[queue_name].length() == 1
    await backend.consume(Other)
    await until(lambda: attempts == [(1, 0)])


@pytest.mark.needs("places kept in order")
async def test_stop_hands_back_what_waits_in_order(backend, queue_name):
    """Messages that were held and not begun go back to their places."""
    queue = Queue(queue_name)
    gate, started = asyncio.Event(), asyncio.Event()

    class Slow(MicroAgent):
        @consumer(queue, concurrency=1, prefetch=5)
        async def handle(self) -> None:
            started.set()
            await gate.wait()

    agent = await backend.consume(Slow)
    for number in range(10):
        await agent.broker[queue_name].send({"number": number})
    await started.wait()
    await until(lambda: agent.broker._workers[queue_name].held == 5)
    await agent.stop(timeout=0.01)
    cls, got = collector(queue, concurrency=1)
    await backend.consume(cls)
    await until(lambda: len(got) == 10)
    assert [message["number"] for message in got] == list(range(10))


@pytest.mark.needs("leases", "counted crashes")
async def test_message_of_a_silent_holder_comes_again(backend, queue_name):
    """What its holder neither settles nor renews comes again after its lease, that run counted apart."""
    cls = Queue(queue_name)
    silent = backend.broker(lease=0.2)
    await silent[queue_name].send({"number": 1})
    (held,) = await silent._take(queue_name, 10)
    seen: list[tuple[int, int]] = []

    class Other(MicroAgent):
        @consumer(cls)
        async def handle(self, delivery: Delivery, number: int) -> None:
            seen.append((delivery.attempt, delivery.crashes))

    await backend.consume(Other)
    await until(lambda: seen == [(1, 1)])
    assert held.attempt == 1


@pytest.mark.needs("leases")
async def test_late_settlement_does_not_touch_the_second_holder(backend, queue_name):
    """Whoever lost the lease cannot settle any more: the second holder's delivery stays as it is."""
    queue = Queue(queue_name)
    silent = backend.broker(lease=0.2)
    await silent[queue_name].send({})
    (late,) = await silent._take(queue_name, 1)
    started, gate = asyncio.Event(), asyncio.Event()

    class Second(MicroAgent):
        @consumer(queue)
        async def handle(self) -> None:
            started.set()
            await gate.wait()

    agent = await backend.consume(Second)
    await asyncio.wait_for(started.wait(), 10)
    verdicts: list[Any] = []
    late.on_verdict = verdicts.append
    late.ack()
    await silent._settle(verdicts)
    assert await silent._renew([late]) == {late}
    await agent.stop(timeout=0)
    assert await silent[queue_name].length() == 1


async def test_lease_is_renewed_while_its_handler_runs(backend, queue_name):
    """A handler may run for many leases; its message does not come again meanwhile."""
    queue = Queue(queue_name)
    runs = 0
    gate = asyncio.Event()

    class Slow(MicroAgent):
        @consumer(queue)
        async def handle(self) -> None:
            nonlocal runs
            runs += 1
            await gate.wait()

    first = await backend.consume(Slow, lease=0.3)
    await backend.consume(Slow, lease=0.3)
    await first.broker[queue_name].send({})
    await until(lambda: runs)
    with pytest.raises(TimeoutError):
        await until(lambda: runs > 1, patience=1.0)
    gate.set()
    await until(lambda: all(not agent.broker._workers[queue_name].held for agent in backend.agents))
    assert runs == 1


@pytest.mark.needs("leases", "counted crashes")
async def test_message_that_ends_its_processes_is_buried(backend, queue_name):
    """After ten runs that ended with their process, a message is buried without another."""
    cls, got = collector(Queue(queue_name))
    silent = backend.broker(lease=0.01)
    await silent[queue_name].send({})
    for crashes in range(10):
        await until(partial(_taken_again, silent, queue_name, crashes))
    await backend.consume(cls)
    broker = backend.broker()
    await until(broker[queue_name].dead)
    (letter,) = await broker[queue_name].dead()
    assert "10 runs ended together with their process" in letter.reason
    assert got == []


@pytest.mark.needs("messages for whoever is free")
async def test_process_that_is_wanted_for_one_message_leaves_all_others_to_others(backend, queue_name):
    """What waits in it goes back, uncounted, and nothing comes meanwhile; then it takes part again."""
    queue = Queue(queue_name)
    runs: list[tuple[str, int, int]] = []
    gate = asyncio.Event()

    def taker(name: str, gate: asyncio.Event | None = None) -> type[MicroAgent]:
        class Taker(MicroAgent):
            @consumer(queue, concurrency=1, prefetch=5)
            async def take(self, number: int, delivery: Delivery) -> None:
                runs.append((name, number, delivery.attempt + delivery.crashes))
                if gate is not None:
                    await gate.wait()

        return Taker

    busy = await backend.consume(taker("busy", gate))
    for number in range(10):
        await busy.broker[queue_name].send({"number": number})
    await until(lambda: busy.broker._workers[queue_name].held == 5)
    wanted = asyncio.create_task(_have_to_itself(busy.broker, until_that := asyncio.Event()))
    other = await backend.consume(taker("other"))
    await until(lambda: len(runs) == 10)
    gate.set()
    await other.stop()
    await other.broker.close()
    await busy.broker[queue_name].send({"number": 10})
    assert sorted(runs) == [("busy", 0, 1), *(("other", number, 1) for number in range(1, 10))]
    until_that.set()
    await wanted
    await until(lambda: ("busy", 10, 1) in runs)


async def _have_to_itself(broker: Any, over: asyncio.Event) -> None:
    async with broker._solitude.of(object(), asyncio.sleep(0)):
        await over.wait()


async def _taken_again(broker: Any, name: str, crashes: int) -> bool:
    await broker._maintain(name)
    return [delivery.crashes for delivery in await broker._take(name, 1)] == [crashes]


async def test_two_consumers_share_a_queue(backend, queue_name):
    """Each message goes to one of them."""
    queue = Queue(queue_name)
    got: list[tuple[str, int]] = []

    def taker(name: str) -> type[MicroAgent]:
        class Taker(MicroAgent):
            @consumer(queue, concurrency=2, prefetch=2)
            async def take(self, number: int) -> None:
                got.append((name, number))
                await asyncio.sleep(0)

        return Taker

    await backend.consume(taker("first"))
    await backend.consume(taker("second"))
    broker = backend.broker()
    await asyncio.gather(*(broker[queue_name].send({"number": number}) for number in range(200)))
    await until(lambda: len(got) == 200)
    assert sorted(number for _, number in got) == list(range(200))


async def test_handler_settles_for_itself(backend, queue_name):
    """With ``autoack=False`` the handler decides: ack, bury and retry do what they say."""
    queue = Queue(queue_name)
    runs: Counter[str] = Counter()

    class Deciding(MicroAgent):
        @consumer(queue, autoack=False)
        async def decide(self, delivery: Delivery, verdict: str) -> None:
            runs[verdict] += 1
            if verdict == "bury":
                delivery.bury("not wanted")
            elif verdict == "retry" and delivery.attempt == 1:
                delivery.retry(0.01)
            elif verdict == "release" and runs[verdict] == 1:
                delivery.release()
            else:
                delivery.ack()

    agent = await backend.consume(Deciding)
    for verdict in ("ack", "bury", "retry", "release"):
        await agent.broker[queue_name].send({"verdict": verdict})
    await until(lambda: runs == {"ack": 1, "bury": 1, "retry": 2, "release": 2})
    await until(lambda: agent.broker._workers[queue_name].held == 0)
    assert [letter.reason for letter in await agent.broker[queue_name].dead()] == ["not wanted"]
    assert await agent.broker[queue_name].length() == 0


async def test_verdict_of_a_handler_counts_more_than_its_end(backend, queue_name):
    """Without ``autoack=False`` too: what it has buried is buried, whether it returns or raises then."""
    queue = Queue(queue_name)
    runs: list[tuple[str, int]] = []

    class Picky(MicroAgent):
        @consumer(queue)
        async def pick(self, delivery: Delivery, end: str) -> None:
            runs.append((end, delivery.attempt))
            if end == "again" and delivery.attempt == 1:
                delivery.retry(0.01)
            elif end != "again":
                delivery.bury(end)
            if end == "raises":
                raise ValueError("anything")

    agent = await backend.consume(Picky)
    there = agent.broker[queue_name]
    for end in ("returns", "raises", "again"):
        await there.send({"end": end})
    await until(lambda: ("again", 2) in runs and len(runs) == 4)
    await until(lambda: agent.broker._workers[queue_name].held == 0)
    assert sorted(letter.reason for letter in await there.dead()) == ["raises", "returns"]
    assert await there.length() == 0


async def test_what_a_handler_leaves_unsettled_is_retried(backend, queue_name):
    """With ``autoack=False`` a message that its handler forgets about is no done message."""
    queue = Queue(queue_name)
    attempts: list[int] = []

    class Forgetful(MicroAgent):
        @consumer(queue, autoack=False)
        async def forget(self, delivery: Delivery) -> None:
            attempts.append(delivery.attempt)

    agent = await backend.consume(Forgetful)
    await agent.broker[queue_name].send({})
    await until(agent.broker[queue_name].dead)
    (letter,) = await agent.broker[queue_name].dead()
    assert attempts == [1, 2, 3, 4]
    assert letter.reason == "left unsettled by its handler"


async def test_dto_takes_the_message(backend):
    """With a ``dto_class`` the handler gets an object of it, as ``dto`` or under the name it asks for."""

    class Mail:
        def __init__(self, text: str, email: str) -> None:
            self.text, self.email = text, email

    first, second = Queue(unique("queue")), Queue(unique("queue"))
    got: list[tuple[str, str]] = []

    class Mailer(MicroAgent):
        @consumer(first, dto_class=Mail)
        async def one(self, dto: Mail, **kwargs: Any) -> None:
            assert not kwargs
            got.append((dto.text, dto.email))

        @consumer(second, dto_class=Mail, dto_name="mail")
        async def two(self, mail: Mail) -> None:
            got.append((mail.text, mail.email))

    agent = await backend.consume(Mailer)
    await agent.broker[first.name].send({"text": "a", "email": "b"})
    await agent.broker[second.name].send({"text": "c", "email": "d"})
    await until(lambda: sorted(got) == [("a", "b"), ("c", "d")])
    await agent.broker[first.name].send({"text": "a"})
    await until(agent.broker[first.name].dead)


async def test_new_keys_do_not_break_old_handlers(backend, queue_name):
    """A handler without ``**kwargs`` gets what it names; one with them gets all."""
    other = unique("queue")
    got: list[Any] = []

    class Taker(MicroAgent):
        @consumer(Queue(queue_name))
        async def named(self, text: str) -> None:
            got.append(text)

        @consumer(Queue(other))
        async def all(self, text: str, **rest: Any) -> None:
            got.append((text, rest))

    agent = await backend.consume(Taker)
    await agent.broker[queue_name].send({"text": "a", "new": 1})
    await until(lambda: got == ["a"])
    await agent.broker[other].send({"text": "a", "new": 1})
    await until(lambda: got == ["a", ("a", {"new": 1})])


async def test_message_may_have_any_key(backend, queue_name):
    """Keys that are no identifiers, or Python's own words, arrive as they are."""
    got: list[Any] = []

    class Taker(MicroAgent):
        @consumer(Queue(queue_name))
        async def take(agent, /, **message: Any) -> None:  # noqa: N805 - `self` is a key here
            got.append(message)

    message = {"self": 1, "class": 2, "user-id": 3, "": 4, "ключ": 5, "__init__": 6}
    agent = await backend.consume(Taker)
    await agent.broker[queue_name].send(message)
    await until(lambda: got == [message])


async def test_queue_has_one_consumer_on_a_broker(backend, queue_name):
    """A second handler for a queue is refused, and the first one named."""
    cls, _ = collector(Queue(queue_name))
    broker = backend.broker()
    await backend.start(cls(broker=broker))
    with pytest.raises(HandlerError, match=r"Collector\.collect"):
        await cls(broker=broker).start()


async def test_option_that_the_backend_does_not_know_is_refused(backend, queue_name):
    """An option that would be ignored is refused at start."""
    cls, _ = collector(Queue(queue_name), exclusive=True)
    with pytest.raises(ConfigurationError, match="exclusive"):
        await cls(broker=backend.broker()).start()


async def test_large_message(backend, queue_name):
    """A message of 5 MB arrives as it was sent."""
    cls, got = collector(Queue(queue_name))
    agent = await backend.consume(cls)
    text = "ü" * 2_500_000
    await agent.broker[queue_name].send({"text": text})
    await until(lambda: got)
    assert got == [{"text": text}]


async def test_dead_letters_come_oldest_first(backend, queue_name):
    """``dead(limit)`` reads the oldest, and leaves them where they are."""
    cls, _ = collector(Queue(queue_name), concurrency=1)
    agent = await backend.consume(cls)
    for number in range(5):
        await agent.broker.send(queue_name, f"bad {number}")
        await until(partial(_dead_count, agent.broker, queue_name, number + 1))
    assert [letter.body for letter in await agent.broker.dead(queue_name, 3)] == [b"bad 0", b"bad 1", b"bad 2"]
    assert len(await agent.broker.dead(queue_name)) == 5


async def _dead_count(broker: Any, name: str, count: int) -> bool:
    return len(await broker.dead(name)) == count


async def test_broker_is_used_without_agents_and_again_after_close(backend, queue_name):
    """A broker opens at its first use, closes, and opens again when it is used again."""
    Queue(queue_name)
    keeper = backend.broker()
    assert await keeper[queue_name].length() == 0
    async with backend.broker() as broker:
        await broker[queue_name].send({})
    await broker[queue_name].send({})
    assert await keeper[queue_name].length() == 2


async def test_failure_is_logged_once_without_the_body(backend, queue_name, caplog):
    """One error line for a failed run, with handler and reason; what is in the message stays out of the log."""
    queue = Queue(queue_name)

    class Failing(MicroAgent):
        @consumer(queue, retry=RetryPolicy(retries=0))
        async def fail(self, **message: Any) -> None:
            raise RuntimeError("out of paper")

    agent = await backend.consume(Failing)
    with caplog.at_level(logging.INFO):
        await agent.broker[queue_name].send({"secret": "xyzzy-17"})
        await until(agent.broker[queue_name].dead)
    lines = [record.getMessage() for record in caplog.records]
    assert len([line for line in lines if line.startswith("Failing.fail (message ")]) == 1
    assert not any("xyzzy-17" in line for line in lines)
