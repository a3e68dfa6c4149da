"""What is promised of dead letters, on every backend: each can be sent again or discarded, and none goes by itself."""

import asyncio
import random
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from support import unique, until

from microagent import BoundQueue, ConfigurationError, DeadLetter, Delivery, MicroAgent, Queue, RetryPolicy, consumer

REASON = "not now"


@pytest.fixture
def queue(queue_name) -> Queue:
    return Queue(queue_name)


async def buried(backend: Any, queue: Queue, *bodies: str) -> list[DeadLetter]:
    """The letters of messages that were given up, one after the other; nobody consumes the queue any more."""

    class Burying(MicroAgent):
        @consumer(queue, autoack=False, concurrency=1)
        async def bury(self, delivery: Delivery, **message: Any) -> None:
            delivery.bury(REASON)

    agent = await backend.consume(Burying)
    before = len(await agent.broker.dead(queue.name))
    for number, body in enumerate(bodies, before + 1):
        await agent.broker.send(queue.name, body)
        await until(partial(are_dead, agent.broker, queue, number))
    await agent.stop()
    return (await backend.broker().dead(queue.name))[before:]


async def are_dead(broker: Any, queue: Queue, count: int) -> bool:
    return len(await broker.dead(queue.name)) == count


async def handled(backend: Any, queue: Queue, count: int) -> list[tuple[bytes, int]]:
    """Body and attempt of what is in the queue, as a consumer gets it."""
    got: list[tuple[bytes, int]] = []

    class Handling(MicroAgent):
        @consumer(queue, concurrency=1)
        async def handle(self, delivery: Delivery, **message: Any) -> None:
            got.append((delivery.body, delivery.attempt))

    agent = await backend.consume(Handling)
    await until(lambda: len(got) == count)
    await until(lambda: agent.broker._workers[queue.name].held == 0)
    await agent.stop()
    return got


def bound(backend: Any, queue: Queue) -> BoundQueue:
    """The queue as another process sees it."""
    return backend.broker()[queue.name]


async def test_resent_message_is_handled_as_a_new_one(backend, queue):
    """At its first attempt, the body unchanged; its letter is gone."""
    letters = await buried(backend, queue, '{"number":  1}', '{"number":  2}')
    other = bound(backend, queue)
    assert await other.resend(*letters) == 2
    assert await other.dead() == []
    assert await handled(backend, queue, 2) == [(b'{"number":  1}', 1), (b'{"number":  2}', 1)]
    assert await other.length() == 0


async def test_resent_message_that_fails_again_is_a_dead_letter_again(backend, queue):
    """After all its attempts, with the new reason; the old letter can be given up or sent no more."""
    (first,) = await buried(backend, queue, "{}")
    attempts: list[int] = []

    class Failing(MicroAgent):
        @consumer(queue, retry=RetryPolicy(retries=1, first=0.01))
        async def fail(self, delivery: Delivery) -> None:
            attempts.append(delivery.attempt)
            raise ValueError("still not")

    agent = await backend.consume(Failing)
    there = agent.broker[queue.name]
    assert await there.resend(first) == 1
    await until(there.dead)
    (second,) = await there.dead()
    assert attempts == [1, 2]
    assert (second.body, second.reason, second.attempts) == (b"{}", "ValueError: still not", 2)
    assert await there.resend(first) == await there.discard(first) == 0
    assert await there.dead() == [second]
    assert await there.discard(second) == 1


async def test_discarded_letter_is_gone(backend, queue):
    """It is not listed, its message is not in the queue, and to discard or resend it once more is no error."""
    (letter,) = await buried(backend, queue, "{}")
    assert await bound(backend, queue).discard(letter) == 1
    other = bound(backend, queue)
    assert await other.dead() == []
    assert await other.discard(letter) == 0
    assert await other.resend(letter) == 0
    assert await other.length() == 0


async def test_letters_with_the_same_body_are_told_apart(backend, queue):
    """The one that was meant goes, the other stays."""
    first, second, third = await buried(backend, queue, "{}", "{}", "{}")
    there = bound(backend, queue)
    assert await there.discard(second) == 1
    assert await there.dead() == [first, third]
    assert await there.resend(third) == 1
    assert await there.dead() == [first]
    assert await there.length() == 1


async def test_letters_are_told_apart_from_messages_that_were_done(backend, queue):
    """However many came before them: each is itself, and no other goes in its place."""
    there = bound(backend, queue)
    for number in range(3):
        await there.send({"done": number})
    await handled(backend, queue, 3)
    letters = await buried(backend, queue, *(f'{{"number": {number}}}' for number in range(6)))
    assert await there.discard(letters[0]) == 1
    assert await there.dead() == letters[1:]
    assert await there.resend(letters[4]) == 1
    assert await there.dead() == [*letters[1:4], letters[5]]
    assert await handled(backend, queue, 1) == [(b'{"number": 4}', 1)]


async def test_letters_that_stay_keep_their_order(backend, queue):
    """Whichever go, from the middle or the ends; so do those that are buried later."""
    letters = await buried(backend, queue, *(f'{{"number": {number}}}' for number in range(8)))
    there = bound(backend, queue)
    assert await there.resend(letters[6], letters[3]) == 2
    assert await there.discard(letters[4], letters[0]) == 2
    left = [letters[number] for number in (1, 2, 5, 7)]
    assert await there.dead() == left
    assert await there.dead(2) == left[:2]
    assert len(await handled(backend, queue, 2)) == 2
    (last,) = await buried(backend, queue, "{}")
    assert await there.dead() == [*left, last]


async def test_all_dead_letters_are_resent_in_portions(backend, queue):
    """What is listed and sent again until nothing is left comes to each message once, in the order of their burial."""
    await buried(backend, queue, *(f'{{"number": {number}}}' for number in range(10)))
    there = bound(backend, queue)
    counts: list[int] = []
    while letters := await there.dead(4):
        counts.append(await there.resend(*letters))
    assert counts == [4, 4, 2]
    assert [body for body, _ in await handled(backend, queue, 10)] == [
        b'{"number": %d}' % number for number in range(10)
    ]


@pytest.mark.parametrize("seed", [1, 2])
async def test_whichever_go_in_whatever_order_the_others_stay(backend, queue, seed):
    """Whoever takes them away: what was sent is in the queue once, what was discarded nowhere, the rest is listed."""
    chance = random.Random(seed)
    left = await buried(backend, queue, *(f'{{"number": {number}}}' for number in range(12)))
    places = [bound(backend, queue) for _ in range(2)]
    gone: list[DeadLetter] = []
    sent: list[bytes] = []
    for _ in range(6):
        there, chosen = chance.choice(places), chance.sample(left, min(len(left), chance.randint(1, 3)))
        resends = chance.random() < 0.5
        assert await (there.resend if resends else there.discard)(*chosen, *gone[-2:]) == len(chosen)
        left = [letter for letter in left if letter not in chosen]
        gone += chosen
        sent += [letter.body for letter in chosen if resends]
        assert await chance.choice(places).dead() == left
        assert await there.dead(2) == left[:2]
    assert sorted(body for body, _ in await handled(backend, queue, len(sent))) == sorted(sent)


async def test_letter_that_is_given_twice_is_sent_once(backend, queue):
    """Only one was there."""
    (letter,) = await buried(backend, queue, "{}")
    there = bound(backend, queue)
    assert await there.resend(letter, letter) == 1
    assert await there.length() == 1
    assert await there.discard(letter, letter) == 0


async def test_what_is_gone_does_not_keep_others(backend, queue):
    """Of letters that are given together, those that are there are counted and go."""
    first, second, third = await buried(backend, queue, "[1]", "{}", "{}")
    there = bound(backend, queue)
    assert await there.discard(second) == 1
    assert await there.discard(first, second) == 1
    assert await there.resend(first, second, third) == 1
    assert await there.dead() == []
    assert await there.length() == 1


async def test_two_may_discard_at_the_same_time(backend, queue):
    """Each letter is gone afterwards, whoever took it away."""
    letters = await buried(backend, queue, *["{}"] * 6)
    places = [bound(backend, queue) for _ in range(2)]
    counts = await asyncio.gather(*(place.discard(*letters) for place in places))
    assert sum(counts) >= 6
    assert await places[0].dead() == []


async def test_message_that_makes_no_sense_is_resent_as_it_is(backend, queue):
    """Body for body, however it was spoilt; it comes back as a dead letter, by then with whoever can read it."""
    (letter,) = await buried(backend, queue, "{}")
    bad = bound(backend, queue)
    await bad.broker.send(queue.name, b"\xff\x00 not json")
    (_, spoilt) = await until_dead(backend, queue, 2)
    assert await bad.discard(letter) == 1
    assert await bad.resend(spoilt) == 1
    (again,) = await until_dead(backend, queue, 1)
    assert again.body == spoilt.body == b"\xff\x00 not json"


async def until_dead(backend: Any, queue: Queue, count: int) -> list[DeadLetter]:
    """Consume until there are so many dead letters."""

    class Consuming(MicroAgent):
        @consumer(queue)
        async def handle(self, **message: Any) -> None: ...

    agent = await backend.consume(Consuming)
    await until(partial(are_dead, agent.broker, queue, count))
    await agent.stop()
    return await bound(backend, queue).dead()


async def test_letter_of_another_queue_is_refused(backend, queue):
    """With both names; and nothing is done to those that were given with it."""
    (letter,) = await buried(backend, queue, "{}")
    foreign = replace(letter, queue="somewhere_else")
    there = bound(backend, queue)
    for remove in (there.resend, there.discard):
        with pytest.raises(ConfigurationError, match=f"queue 'somewhere_else' is none of queue '{queue.name}'"):
            await remove(letter, foreign)
    assert await there.dead() == [letter]


@pytest.mark.parametrize("wrong", [None, "1-0", 7, b"{}"])
async def test_what_is_no_letter_is_refused(backend, queue, wrong):
    """In a sentence that says what is wanted."""
    with pytest.raises(ConfigurationError, match=r"is no dead letter, as dead\(\) gives them$"):
        await bound(backend, queue).resend(wrong)


async def test_list_of_letters_is_refused_with_a_hint(backend, queue):
    """They are given one by one."""
    letters: Any = await buried(backend, queue, "{}")
    with pytest.raises(ConfigurationError, match=r"a list is no dead letter.*: give them one by one, with a \* before"):
        await bound(backend, queue).discard(letters)


async def test_letter_with_an_id_that_is_none_is_not_there(backend, queue):
    """Whoever made it up; nothing else is taken away in its place."""
    (letter,) = await buried(backend, queue, "{}")
    there = bound(backend, queue)
    for made_up in ("", "-1", "0-0", "x/y/z", "99999999999999999999999", "é", "a/0/0", f"{queue.name}.dead/0/99"):
        assert await there.discard(replace(letter, id=made_up)) == 0
        assert await there.resend(replace(letter, id=made_up)) == 0
    assert await there.dead() == [letter]


async def test_none_is_none(backend):
    """Without letters, nothing is done, and no server is asked; of a queue that nobody knows, none is there."""
    there = bound(backend, Queue(unique("queue")))
    assert await there.resend() == await there.discard() == 0
    letter = DeadLetter(there.queue.name, b"{}", REASON, 1, 1.5, "1-1")
    assert await there.resend(letter) == await there.discard(letter) == 0
