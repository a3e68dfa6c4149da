"""What a bad network does to one consumer or sender, at the moment that matters."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis
from support import LIVE_AGAIN, unique, until

from faults.places import SESSION, Place, proxied, shared
from faults.proxy import Proxy
from microagent import BackendConnectionError, MicroAgent, Queue, Signal, consumer, receiver
from microagent.tools.kafka import KafkaBroker
from microagent.tools.redis import RedisSignalBus, line

SILENCE = 2.0  # seconds


def by_way_of(proxy: Proxy, dsn: str) -> str:
    return dsn.replace(f"127.0.0.1:{urlsplit(dsn).port}", f"127.0.0.1:{proxy.port}")


class Site:
    """A queue on a server that others reach directly, and we by way of a proxy."""

    def __init__(self, place: Place, proxy: Proxy) -> None:
        self.queue = Queue(unique("queue"))
        self.proxy = proxy
        self.direct = place.make_broker()
        place.dsn = by_way_of(proxy, place.dsn)
        self.ours = place.make_broker()
        self.got: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def start(self, **options: Any) -> MicroAgent:
        """An agent on our side."""
        site = self

        class Taking(MicroAgent):
            @consumer(self.queue, **options)
            async def take(self, number: int) -> None:
                await site.gate.wait()
                site.got.append(number)

        agent = Taking(broker=self.ours)
        await agent.start()
        assert self.proxy.connections > 0
        return agent

    async def send(self, number: int, **options: Any) -> None:
        """From the other side."""
        await self.direct.send(self.queue.name, f'{{"number": {number}}}', **options)


@pytest.fixture(params=["redis", "amqp", "kafka"])
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    place = shared(request, request.param)
    async with proxied(request, place) as proxy:
        site = Site(place, proxy)
        yield site
        await site.ours.close()
        await site.direct.close()


async def reset(proxy: Proxy) -> None:
    proxy.reset()


async def half_close(proxy: Proxy) -> None:
    proxy.half_close()


async def fall_silent(proxy: Proxy) -> None:
    with proxy.silent():
        await asyncio.sleep(SILENCE)


@pytest.mark.parametrize("harm", [reset, half_close, fall_silent])
async def test_consumer_that_waits_is_not_deaf(site: Site, harm: Callable[[Proxy], Awaitable[None]]):
    """Whatever happens to its connections while there is nothing to do, the next message is handled."""
    agent = await site.start()
    await site.send(1)
    await until(lambda: site.got == [1])
    await until(lambda: agent.info()["broker"]["held"] == {site.queue.name: 0})
    await harm(site.proxy)
    await site.send(2)
    await until(lambda: site.got == [1, 2], LIVE_AGAIN)
    await agent.stop()


@pytest.mark.parametrize("site", ["amqp"], indirect=True)
async def test_what_waits_is_lost_with_its_connection(site: Site):
    """It comes again, so it is not begun here for nothing; what had begun comes to its end, twice."""
    site.gate.clear()
    agent = await site.start(concurrency=2, prefetch=5)
    for number in range(5):
        await site.send(number)
    await until(lambda: agent.info()["broker"]["held"] == {site.queue.name: 5})
    site.proxy.reset()
    await until(lambda: all(delivery.lost for delivery in site.ours._workers[site.queue.name]._held))
    site.gate.set()
    await until(lambda: set(site.got) == set(range(5)) and agent.info()["broker"]["held"] == {site.queue.name: 0})
    await agent.stop()
    assert sorted(site.got) == [0, 0, 1, 1, 2, 3, 4]


@pytest.mark.parametrize("site", ["redis"], indirect=True)
async def test_connections_that_somebody_forgot_are_noticed(site: Site, monkeypatch: pytest.MonkeyPatch):
    """One of them stays without an answer, and then all are opened anew, those too on which nothing is awaited soon."""
    agent = await site.start()
    await site.send(1)
    await until(lambda: agent.info()["broker"]["held"] == {site.queue.name: 0} and site.got == [1])
    monkeypatch.setattr(line, "ANSWER", 0.3)
    site.proxy.forget()
    await site.send(2)
    await until(lambda: site.got == [1, 2], LIVE_AGAIN)
    await agent.stop()


@pytest.mark.parametrize("harm", [reset, half_close, fall_silent])
async def test_listener_that_waits_is_not_deaf(redis_url: str, harm: Callable[[Proxy], Awaitable[None]]):
    """Whatever happens to its connections while nothing is said, soon it hears again."""
    said, prefix = Signal(unique("signal"), ["number"]), unique("PREFIX")
    heard: list[int] = []

    class Listening(MicroAgent):
        @receiver(said)
        async def hear(self, number: int, **_: Any) -> None:
            heard.append(number)

    async with Proxy(urlsplit(redis_url).port or 0) as proxy, RedisSignalBus(redis_url, prefix=prefix) as direct:
        agent = Listening(bus=RedisSignalBus(by_way_of(proxy, redis_url), prefix=prefix))
        await agent.start()
        await harm(proxy)
        async with asyncio.timeout(LIVE_AGAIN):
            while not heard:
                await direct[said.name].send("test", number=1)
                await asyncio.sleep(0.05)
        await agent.stop()


@pytest.mark.parametrize("site", ["redis", "amqp"], indirect=True)
async def test_message_whose_answer_is_lost_is_not_sent_again(site: Site):
    """Its sender is told that nobody knows; the server has it once."""
    await site.ours.send(site.queue.name, '{"number": 1}')
    with site.proxy.losing_answers():
        sending = asyncio.create_task(site.ours.send(site.queue.name, '{"number": 2}'))
        await until(lambda: _length(site, 2))
    with pytest.raises(BackendConnectionError):
        await sending
    await site.ours.send(site.queue.name, '{"number": 3}')
    assert await _length(site, 3)


@pytest.mark.parametrize("site", ["kafka"], indirect=True)
async def test_message_whose_answer_is_lost_is_stored_once(site: Site):
    """It is written again by its number, by which the server knows that it has it; its sender is told so."""
    await site.ours.send(site.queue.name, '{"number": 1}')
    with site.proxy.losing_answers():
        sending = asyncio.create_task(site.ours.send(site.queue.name, '{"number": 2}'))
        await until(lambda: _length(site, 2))
    await sending
    await site.ours.send(site.queue.name, '{"number": 3}')
    assert await _length(site, 3)


@pytest.mark.parametrize("site", ["kafka"], indirect=True)
async def test_commit_whose_answer_is_lost_counts(site: Site):
    """It is told again, which changes nothing: the message is done, once."""
    site.gate.clear()
    agent = await site.start()
    await site.send(1)
    await until(lambda: agent.info()["broker"]["held"] == {site.queue.name: 1})
    with site.proxy.losing_answers():
        site.gate.set()
        await until(lambda: _length(site, 0))
    await site.send(2)
    await until(lambda: site.got == [1, 2])
    await agent.stop()
    assert await _length(site, 0)


async def _length(site: Site, length: int) -> bool:
    return await site.direct.queue_length(site.queue.name) == length


@pytest.mark.parametrize("site", ["kafka"], indirect=True)
async def test_what_others_did_in_our_absence_is_not_done_again(site: Site):
    """The group does without a member that is silent; back in it, the member goes on where the others have come to."""
    agent = await site.start(concurrency=1, prefetch=1)
    await site.send(1, partition=0)
    await until(lambda: site.got == [1] and _length(site, 0))
    others: list[int] = []

    class Deputy(MicroAgent):
        @consumer(site.queue)
        async def take(self, number: int) -> None:
            others.append(number)

    deputy = Deputy(broker=KafkaBroker(site.direct.dsn, lease=SESSION))
    with site.proxy.silent():
        await deputy.start()
        for number in (2, 3, 4):
            await site.send(number, partition=0)
        await until(lambda: others == [2, 3, 4])
        await until(lambda: _length(site, 0))
        await deputy.stop()
    await site.send(5, partition=0)
    await until(lambda: 5 in site.got)
    await agent.stop()
    assert site.got in ([1, 5], [1, 2, 5])  # one may have been begun before it was told


@pytest.mark.parametrize("site", ["redis"], indirect=True)
async def test_verdict_whose_answer_is_lost_counts(site: Site):
    """It is told again, which changes nothing: the message is done, once."""
    site.gate.clear()
    agent = await site.start()
    await site.send(1)
    async with Redis.from_url(site.direct.dsn) as operator:
        leased = f"{{{site.queue.name}}}:leased"
        await until(lambda: operator.zcard(leased))
        with site.proxy.losing_answers():
            site.gate.set()
            await until(lambda: _is_empty(operator, leased))
    await site.send(2)
    await until(lambda: site.got == [1, 2])
    await agent.stop()
    assert await site.direct.queue_length(site.queue.name) == 0
    assert site.got == [1, 2]


async def _is_empty(operator: Redis, key: str) -> bool:
    return await operator.zcard(key) == 0
