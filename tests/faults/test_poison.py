"""
One message of a hundred fails for ever: it becomes a dead letter, and the others are hardly slower.

``make faults`` measures how much slower.
"""

import asyncio
import time
from typing import Any

import pytest
from support import unique, until

from faults.places import PLACES, Place, shared
from faults.running import IS_LONG
from microagent import MicroAgent, Queue, RetryPolicy, consumer

MESSAGES = 2000 if IS_LONG else 200
SHARE = 100  # one of so many is poison
KEPT = 0.9  # of the rate without poison
RETRY = RetryPolicy(first=0.1, factor=1.0, jitter=0)
WORK = 0.05  # seconds that a handler takes


class Round:
    """One queue with so many messages, some of them poison, and how long it takes to handle the others."""

    def __init__(self, place: Place, poison: bool) -> None:
        self.queue = Queue(unique("queue"))
        self.bodies = [b'{"n": %d, "poison": %d}' % (n, poison and n % SHARE == 0) for n in range(MESSAGES)]
        self.good = sum(1 for body in self.bodies if b'"poison": 0' in body)
        self.broker = place.make_broker()
        self.handled = 0

    async def seconds(self) -> float:
        """Until all that can be handled is."""
        part = self

        class Working(MicroAgent):
            @consumer(self.queue, retry=RETRY)
            async def work(self, n: int, poison: int) -> None:
                await asyncio.sleep(WORK)
                if poison:
                    raise ValueError(f"no good: {n}")
                part.handled += 1

        await asyncio.gather(*(self.broker.send(self.queue.name, body) for body in self.bodies))
        agent = Working(broker=self.broker)
        await agent.start()
        began = time.monotonic()
        await until(lambda: self.handled == self.good, 120)
        seconds = time.monotonic() - began
        await until(self._is_over, 60)
        self.dead = await self.broker.dead(self.queue.name, MESSAGES)
        await agent.stop()
        return seconds

    async def _is_over(self) -> bool:
        await asyncio.sleep(0.1)
        return len(await self.broker.dead(self.queue.name, MESSAGES)) == MESSAGES - self.good


@pytest.mark.parametrize("name", PLACES)
async def test_poison_becomes_dead_letters(request: pytest.FixtureRequest, name: str, caplog: Any):
    """After 1 + 3 runs, with the reason and the body as it was sent; the others keep 90 % of their rate."""
    caplog.set_level("CRITICAL")
    place = shared(request, name)
    clean, poisoned = Round(place, poison=False), Round(place, poison=True)
    without, beside = await asyncio.gather(clean.seconds(), poisoned.seconds())  # side by side, on the same machine
    assert clean.dead == []
    assert {(letter.body, letter.reason, letter.attempts) for letter in poisoned.dead} == {
        (body, f"ValueError: no good: {n}", 4) for n, body in enumerate(poisoned.bodies) if b'"poison": 1' in body
    }
    kept = without / beside * poisoned.good / clean.good
    if IS_LONG:
        print(f"{name}: with 1 % poison the rest keeps {kept:.0%} of its rate")
        assert kept > KEPT
