"""What is promised of messages that are sent with a delay: as much as of any other, and not before it is over."""

import asyncio
import math
from functools import partial
from typing import Any

import pytest
from contract.test_queues import collector
from support import until

from microagent import ConfigurationError, Delivery, MicroAgent, Queue, RetryPolicy, consumer

SOON = 1.0  # seconds after it is due within which a message has come, on a busy machine
LONG = 3600.0


@pytest.mark.needs("delays")
async def test_message_comes_when_its_delay_is_over(backend, queue_name):
    """Not before, and soon after; whether a consumer waits for it or comes later."""
    queue = Queue(queue_name)
    moments: dict[int, float] = {}
    now = asyncio.get_running_loop().time

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self, number: int, delivery: Delivery) -> None:
            assert delivery.attempt == 1
            moments[number] = now()

    broker, sent = backend.broker(), {}
    for number, delay in enumerate([0.6, 0.25]):
        sent[number] = now() + delay
        await broker[queue_name].send({"number": number}, delay=delay)
    await backend.consume(Taker)
    sent[2] = now() + 0.45
    await broker[queue_name].send({"number": 2}, delay=0.45)
    await until(lambda: len(moments) == 3)
    for number, moment in moments.items():
        assert sent[number] - 0.001 <= moment < sent[number] + SOON
    await until(partial(_has_length, broker, queue_name, 0))


async def _has_length(broker, name, length):
    return await broker[name].length() == length


@pytest.mark.needs("delays")
async def test_delayed_message_holds_up_no_others(backend, queue_name):
    """Nor do those that wait longer hold it up; the others come in their order, and ``length`` counts what waits."""
    cls, got = collector(Queue(queue_name), concurrency=1)
    broker = backend.broker()
    await broker[queue_name].send({"number": -2}, delay=LONG)
    await broker[queue_name].send({"number": -1}, delay=0.3)
    for number in range(20):
        await broker[queue_name].send({"number": number})
    await until(partial(_has_length, broker, queue_name, 22))
    await backend.consume(cls)
    await until(lambda: len(got) == 21)
    assert [message["number"] for message in got if message["number"] >= 0] == list(range(20))
    assert {"number": -1} in got
    await until(partial(_has_length, broker, queue_name, 1))


@pytest.mark.needs("delays")
async def test_what_is_sent_at_the_same_time_may_differ_in_delay(backend, queue_name):
    """Each is accepted by itself, and none is lost."""
    cls, got = collector(Queue(queue_name))
    broker = backend.broker()
    delays = [0, 0.05, 0, 0.1, 0.0, 0.2] * 10
    await asyncio.gather(*(broker[queue_name].send({"n": n}, delay=delay) for n, delay in enumerate(delays)))
    await backend.consume(cls)
    await until(lambda: len(got) == len(delays))
    assert sorted(message["n"] for message in got) == list(range(len(delays)))


@pytest.mark.needs("delays")
async def test_delayed_message_is_like_any_other_when_it_has_come(backend, queue_name):
    """It is tried again, and a dead letter in the end, its body unchanged; sent again, it comes at once."""
    queue = Queue(queue_name)
    attempts: list[int] = []

    class Failing(MicroAgent):
        @consumer(queue, retry=RetryPolicy(retries=1, first=0.02, jitter=0))
        async def fail(self, delivery: Delivery, **message: Any) -> None:
            attempts.append(delivery.attempt)
            raise ValueError("no such address")

    agent = await backend.consume(Failing)
    bound = agent.broker[queue_name]
    await agent.broker.send(queue_name, b'{"a":  1}', delay=0.1)
    await until(bound.dead)
    (letter,) = await bound.dead()
    assert (letter.body, letter.attempts, letter.reason) == (b'{"a":  1}', 2, "ValueError: no such address")
    assert await bound.resend(letter) == 1
    await until(lambda: attempts == [1, 2, 1, 2])
    await until(bound.dead)
    assert await bound.length() == 0


@pytest.mark.needs("delays")
async def test_delay_of_nothing_is_none(backend, queue_name):
    """With ``delay=0`` a message keeps its place among those that are sent without."""
    cls, got = collector(Queue(queue_name), concurrency=1)
    broker = backend.broker()
    for number in range(10):
        await broker[queue_name].send({"number": number}, **({"delay": 0} if number % 2 else {}))
    await backend.consume(cls)
    await until(lambda: len(got) == 10)
    assert [message["number"] for message in got] == list(range(10))


@pytest.mark.parametrize("delay", ["30", -1, -0.001, math.nan, math.inf, True, False, None])
async def test_delay_that_is_none_is_refused(backend, queue_name, delay):
    """In one sentence, whoever sends; and nothing is sent."""
    Queue(queue_name)
    broker = backend.broker()
    for sending in (broker[queue_name].send({}, delay=delay), broker.send(queue_name, "{}", delay=delay)):
        with pytest.raises(ConfigurationError, match=r"^delay=.+ has to be a number of seconds, 0 or more$"):
            await sending
    assert await broker[queue_name].length() == 0


async def test_backend_that_has_no_delays_says_so(backend, queue_name):
    """What it cannot do is refused, with the reason; a delay of 0 is none, and so it is sent."""
    if "delays" not in backend.lacks:
        pytest.skip("it has them")
    Queue(queue_name)
    broker = backend.broker()
    with pytest.raises(ConfigurationError, match=f"queue '{queue_name}': KafkaBroker cannot send with 'delay': "):
        await broker[queue_name].send({}, delay=0.5)
    assert await broker[queue_name].length() == 0
    await broker[queue_name].send({}, delay=0)
    assert await broker[queue_name].length() == 1


async def test_unknown_option_of_send_is_refused(backend, queue_name):
    """With a guess what was meant; ``memory://`` stands in for any server, and takes it."""
    Queue(queue_name)
    broker = backend.broker()
    if broker.SEND_OPTIONS is None:
        await broker[queue_name].send({}, dely=3)
        return
    with pytest.raises(ConfigurationError, match=r"cannot send with 'dely', did you mean 'delay'\?"):
        await broker[queue_name].send({}, dely=3)
    assert await broker[queue_name].length() == 0
