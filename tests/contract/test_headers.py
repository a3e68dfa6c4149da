"""What is promised of headers: what a sender says beside the body is there in every run, wherever there are headers."""

import asyncio
from typing import Any

import pytest
from support import until

from microagent import ConfigurationError, Delivery, MicroAgent, Queue, RetryPolicy, consumer

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
HEADERS = {"traceparent": TRACE, "name": "Ünï ☃", "empty": "", "CC-not": "any"}


@pytest.fixture
def queue(queue_name) -> Queue:
    return Queue(queue_name)


def listening(queue: Queue, *endings: str) -> tuple[type[MicroAgent], list[Any]]:
    """An agent class that ends its runs so, one after the other; and the attempt and headers of each run."""
    runs: list[Any] = []

    class Listening(MicroAgent):
        @consumer(queue, autoack=False, concurrency=1, retry=RetryPolicy(retries=1, first=0))
        async def listen(self, delivery: Delivery, **message: Any) -> None:
            runs.append((delivery.attempt, dict(delivery.headers)))
            ending = endings[len(runs) - 1] if len(runs) <= len(endings) else "ack"
            if ending == "fail":
                raise ValueError("not now")
            delivery.bury("☃" * 2_000) if ending == "bury" else getattr(delivery, ending)()

    return Listening, runs


@pytest.mark.needs("headers")
async def test_headers_are_there_in_every_run(backend, queue):
    """The first one, after a failure, a retry and a release; with ``send`` by name too, and nothing of ours."""
    cls, runs = listening(queue, "fail", "release", "retry")
    agent = await backend.consume(cls)
    await agent.broker.send(queue.name, "{}", headers=HEADERS)
    await until(lambda: len(runs) == 4)
    assert runs == [(1, HEADERS), (2, HEADERS), (2, HEADERS), (3, HEADERS)]


@pytest.mark.needs("headers")
async def test_headers_survive_a_burial_and_a_resend(backend, queue):
    """What is sent again says what it said at first, and nothing of its death."""
    cls, runs = listening(queue, "fail", "bury")
    agent = await backend.consume(cls)
    there = agent.broker[queue.name]
    await there.send({}, headers=HEADERS)
    await until(there.dead)
    assert await there.resend(*await there.dead()) == 1
    await until(lambda: len(runs) == 3)
    assert runs == [(1, HEADERS), (2, HEADERS), (1, HEADERS)]


@pytest.mark.needs("headers")
async def test_headers_survive_the_end_of_their_holder(backend, queue):
    """Whoever gets the message next gets them too."""
    began = asyncio.Event()

    class Stuck(MicroAgent):
        @consumer(queue)
        async def wait(self, delivery: Delivery) -> None:
            began.set()
            await asyncio.Event().wait()

    holder = await backend.consume(Stuck)
    await holder.broker[queue.name].send({}, headers=HEADERS)
    await began.wait()
    await holder.stop(timeout=0)
    cls, runs = listening(queue)
    await backend.consume(cls)
    await until(lambda: bool(runs))
    assert runs == [(1, HEADERS)]


async def test_message_without_headers(backend, queue):
    """Has none, in its first run or later; and nobody can write any."""
    found: list[Any] = []

    class Looking(MicroAgent):
        @consumer(queue, retry=RetryPolicy(retries=1, first=0))
        async def look(self, delivery: Delivery) -> None:
            found.append((delivery.attempt, delivery.headers))
            raise ValueError

    agent = await backend.consume(Looking)
    await agent.broker[queue.name].send({})
    await until(lambda: len(found) == 2)
    assert found == [(1, {}), (2, {})]
    with pytest.raises(TypeError):
        found[0][1]["a"] = "b"


WRONG: list[tuple[Any, str]] = [
    (["a"], "headers are a dictionary of texts, not of type list"),
    ({"a": 5}, "header 'a' must be a text or bytes, not of type int"),
    ({5: "a"}, "the name of a header=5 "),
    ({"": "a"}, "takes 1 to 128 bytes"),
    ({"ü" * 65: "a"}, "takes 1 to 128 bytes"),
    ({"a\r\nb": "a"}, "the name of a header="),
    ({"a": "\ud800"}, "header 'a' holds half of a character"),
    ({"x-microagent-failed": "3"}, "names that begin with x-microagent- are taken"),
    ({"a": "x" * 70_000}, "take 65,536 bytes at most, and not 70,001"),
]


@pytest.mark.needs("headers")
@pytest.mark.parametrize(("headers", "problem"), WRONG)
async def test_headers_that_cannot_be_sent(backend, queue, headers, problem):
    """One clear error that shows no value, and no message."""
    there = backend.broker()[queue.name]
    with pytest.raises(ConfigurationError) as caught:
        await there.send({}, headers=headers)
    assert problem in str(caught.value)
    assert await there.length() == 0


@pytest.mark.needs("headers")
async def test_as_many_headers_as_there_may_be(backend, queue):
    """Come through all of it, the longest reason of a dead letter beside them."""
    headers = {"n" * 128: "v" * (64 * 1024 - 128)}
    cls, runs = listening(queue, "fail", "bury")
    agent = await backend.consume(cls)
    there = agent.broker[queue.name]
    await there.send({}, headers=headers)
    await until(there.dead)
    assert await there.resend(*await there.dead()) == 1
    await until(lambda: len(runs) == 3)
    assert [said for _, said in runs] == [headers] * 3


@pytest.mark.needs("headers", "delays")
async def test_headers_of_a_delayed_message(backend, queue):
    """Are there when it comes."""
    cls, runs = listening(queue)
    agent = await backend.consume(cls)
    await agent.broker[queue.name].send({}, delay=0.3, headers=HEADERS)
    await until(lambda: bool(runs))
    assert runs == [(1, HEADERS)]


async def test_backend_without_headers_says_so(backend, queue):
    """Instead of dropping them."""
    there = backend.broker()[queue.name]
    if "headers" in backend.lacks:
        with pytest.raises(ConfigurationError, match=f"queue '{queue.name}': RedisBroker cannot send with 'headers'"):
            await there.send({}, headers=HEADERS)
        assert await there.length() == 0
    else:
        await there.send({}, headers={})
        assert await there.length() == 1
