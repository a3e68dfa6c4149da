"""A connection that breaks while dead letters are sent again: a message may come twice then, and none is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from support import unique, until

from faults.places import Place, proxied, shared
from faults.proxy import Proxy
from faults.test_network import by_way_of
from microagent import BackendConnectionError, BoundQueue, DeadLetter, Delivery, MicroAgent, Queue, consumer

MANY = 5
Post = Callable[[Sequence[Any]], Awaitable[Sequence[Exception | None]]]


class Graveyard:
    """A queue with dead letters, on a server that others reach directly, and we by way of a proxy."""

    def __init__(self, place: Place, proxy: Proxy) -> None:
        self.queue = Queue(unique("queue"))
        self.proxy = proxy
        self._direct = place.make_broker()
        place.dsn = by_way_of(proxy, place.dsn)
        place.options = {**place.options, "send_timeout": 1.0}
        self.broker = place.make_broker()

    @property
    def ours(self) -> BoundQueue:
        return self.broker[self.queue.name]

    @property
    def theirs(self) -> BoundQueue:
        return self._direct[self.queue.name]

    async def fill(self) -> list[DeadLetter]:
        class Burying(MicroAgent):
            @consumer(self.queue, autoack=False)
            async def bury(self, delivery: Delivery, **message: Any) -> None:
                delivery.bury("not now")

        agent = Burying(broker=self._direct)
        await agent.start()
        for number in range(MANY):
            await self.theirs.send({"number": number})
        await until(self.is_full)
        await agent.stop()
        return await self.ours.dead()

    async def is_full(self) -> bool:
        return len(await self.theirs.dead()) == MANY

    async def handled(self, count: int) -> Counter[int]:
        """The numbers of so many messages in the queue, and there are no more."""
        got: Counter[int] = Counter()

        class Taking(MicroAgent):
            @consumer(self.queue)
            async def take(self, number: int) -> None:
                got[number] += 1

        agent = Taking(broker=self._direct)
        await agent.start()
        await until(lambda: got.total() >= count)
        await until(self.is_empty)
        await agent.stop()
        return got

    async def is_empty(self) -> bool:
        return await self.theirs.length() == 0

    def instead_of_post(self, replacement: Callable[[Post, Sequence[Any]], Awaitable[Any]]) -> None:
        """Have our messages written by ``replacement(post, letters)``, as long as this connection stands."""
        live = self.broker._live
        owner, name = (live.dead_letters, "_post") if hasattr(live, "dead_letters") else (live, "post")
        post = getattr(owner, name)
        setattr(owner, name, lambda letters: replacement(post, letters))

    async def close(self) -> None:
        await self.broker.close()
        await self._direct.close()


@pytest.fixture(params=["redis", "amqp", "kafka"])
async def graveyard(request: pytest.FixtureRequest) -> AsyncIterator[Graveyard]:
    if request.param == "kafka":
        request.getfixturevalue("real_kafka")
    place = shared(request, request.param)
    async with proxied(request, place) as proxy:
        graveyard = Graveyard(place, proxy)
        yield graveyard
        await graveyard.close()


@pytest.mark.parametrize("graveyard", ["amqp", "kafka"], indirect=True)
async def test_connection_that_breaks_between_the_two_steps_loses_nothing(graveyard: Graveyard):
    """The messages are in the queue, their letters still there, and who sent them is told so; he may do it again."""
    letters = await graveyard.fill()

    async def post(post: Post, anew: Sequence[Any]) -> Any:
        if not graveyard.proxy.is_silent:
            results = await post(anew)
            graveyard.proxy.fall_silent()
            graveyard.proxy.reset()
            return results
        return await post(anew)

    graveyard.instead_of_post(post)
    with pytest.raises(BackendConnectionError, match=r": .+; some of these messages may be in the queue already"):
        await graveyard.ours.resend(*letters)
    assert await graveyard.theirs.length() == MANY
    assert await graveyard.theirs.dead() == letters
    graveyard.proxy.wake()
    assert await graveyard.ours.resend(*letters) == MANY
    assert await graveyard.theirs.dead() == []
    assert await graveyard.handled(2 * MANY) == Counter(2 * list(range(MANY)))


@pytest.mark.parametrize("graveyard", ["amqp"], indirect=True)
async def test_connection_that_breaks_before_the_first_step_is_no_matter(graveyard: Graveyard):
    """Nothing was done, so it is done on the next connection, once."""
    letters = await graveyard.fill()
    broken = False

    async def post(post: Post, anew: Sequence[Any]) -> Any:
        nonlocal broken
        if not broken:
            broken = True
            connections = graveyard.proxy.connections
            graveyard.proxy.reset()
            await until(lambda: graveyard.proxy.connections < connections)
        return await post(anew)

    graveyard.instead_of_post(post)
    assert await graveyard.ours.resend(*letters) == MANY
    assert broken
    assert await graveyard.theirs.dead() == []
    assert await graveyard.handled(MANY) == Counter(range(MANY))


@pytest.mark.parametrize("graveyard", ["redis"], indirect=True)
async def test_answer_that_is_lost_leaves_each_message_once(graveyard: Graveyard):
    """It was one step, so it was done or it was not; whoever does it again sends nothing twice."""
    letters = await graveyard.fill()
    assert await graveyard.ours.resend(replace(letters[0], id="1-1")) == 0  # the server has the script then
    with graveyard.proxy.losing_answers():
        resending = asyncio.create_task(graveyard.ours.resend(*letters))
        await until(lambda: _is(graveyard.theirs.length, MANY))
    with pytest.raises(BackendConnectionError, match="may be in the queue already"):
        await resending
    assert await graveyard.ours.resend(*letters) == 0
    assert await graveyard.theirs.dead() == []
    assert await graveyard.handled(MANY) == Counter(range(MANY))


async def _is(ask: Callable[[], Awaitable[int]], count: int) -> bool:
    return await ask() == count


async def test_server_that_is_away_is_told_in_time(graveyard: Graveyard):
    """Within ``send_timeout`` and what an answer may take; and the letters stay."""
    letters = await graveyard.fill()
    await graveyard.broker.close()
    graveyard.proxy.fall_silent()
    for remove in (graveyard.ours.resend, graveyard.ours.discard):
        with pytest.raises(BackendConnectionError, match="no connection in time"):
            await remove(*letters)
    graveyard.proxy.wake()
    assert await graveyard.theirs.dead() == letters
    assert await graveyard.theirs.length() == 0
