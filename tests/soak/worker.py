"""
One process that sends, consumes and calls, and prints a sample of itself each second.

::

    worker.py DSN OPTIONS QUEUE work PEAK_SECONDS HALF_SECONDS
    worker.py DSN OPTIONS QUEUE wade SECONDS

``work`` goes as fast as it can, then half as fast; ``wade`` consumes from a queue in which very many wait.
"""

import asyncio
import gc
import json
import os
import sys
import time
from typing import Any

from support import until

from microagent import MicroAgent, Queue, RetryPolicy, Signal, consumer, receiver
from microagent.backends import make_broker, make_bus
from microagent.dsn import BACKENDS, DSN

SENDERS = 50
CALLS = 20  # of so many messages one is a call, where there is a bus
FAILURES = 1000  # of so many messages one fails at its first run
AHEAD = 2000  # messages that may wait while it goes as fast as it can
TICK = 0.5  # seconds between samples
SLOW = 0.01  # seconds that a handler takes where very many messages wait
SETTLED = 2.0  # seconds until it runs as it will run on

dsn, options, name, role, *arguments = sys.argv[1:]
queue, question = Queue(name), Signal(name, ["number"])
has_bus = BACKENDS[DSN.parse(dsn).scheme].bus is not None


class Working(MicroAgent):
    """Does next to nothing with each message."""

    takes = 0.0  # seconds
    handled = 0
    answered = 0
    most_here = 0
    most_held = 0  # of these, without those whose verdict is on its way

    @consumer(queue)
    async def handle(self, number: int, delivery: Any) -> None:
        worker = self.broker._workers[name]
        self.most_here = max(self.most_here, worker.held)
        self.most_held = max(self.most_held, worker.held - worker._settling.count)
        if number % FAILURES == 1 and delivery.attempt == 1:
            raise RuntimeError("one in a thousand")
        if self.takes:
            await asyncio.sleep(self.takes)
        self.handled += 1

    if has_bus:

        @receiver(question)
        async def answer(self, number: int, **_: Any) -> int:
            self.answered += 1
            return number


class Flow:
    """Messages through an agent, as fast as it can or at a given rate."""

    def __init__(self) -> None:
        broker = make_broker({"dsn": dsn, "retry": RetryPolicy(first=0.1, factor=1), **json.loads(options)})
        self.agent = Working(broker=broker, bus=make_bus({"dsn": dsn, "prefix": name}) if has_bus else None)
        self.sent = 0
        self._rate: float | None = None
        self._begun = 0.0
        self._planned = 0

    async def run(self, seconds: float, rate: float | None = None) -> float:
        """Send for so long; how many were handled each second, once it had settled."""
        self._rate, self._begun, self._planned = rate, time.monotonic(), 0
        end = self._begun + seconds
        senders = [asyncio.create_task(self._send_until(end)) for _ in range(SENDERS)]
        await asyncio.sleep(min(SETTLED, seconds / 3))
        since, before = time.monotonic(), self.agent.handled
        await asyncio.gather(*senders)
        return (self.agent.handled - before) / (time.monotonic() - since)

    async def _send_until(self, end: float) -> None:
        while time.monotonic() < end:
            await self._pace()
            self.sent += 1
            if has_bus and self.sent % CALLS == 0:
                await self.agent.bus[name].call("soak", number=self.sent)
            await self.agent.broker[name].send({"number": self.sent})

    async def _pace(self) -> None:
        if self._rate is None:
            await until(lambda: self.sent - self.agent.handled < AHEAD)
            return
        self._planned += 1
        await asyncio.sleep(max(0.0, self._begun + self._planned / self._rate - time.monotonic()))

    async def drain(self) -> None:
        """Return when all is handled."""
        await until(lambda: self.agent.handled >= self.sent)


def resident() -> float:
    """Megabytes of this process."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def tell(**said: Any) -> None:
    print(json.dumps(said), flush=True)


async def sample(agent: Working, seconds: float) -> None:
    """Until shortly before these are over."""
    end = time.monotonic() + seconds - TICK
    while time.monotonic() < end:
        await asyncio.sleep(TICK)
        tell(
            rss=resident(),
            files=len(os.listdir("/proc/self/fd")),
            tasks=len(asyncio.all_tasks()),
            handled=agent.handled,
            here=agent.most_here,
            held=agent.most_held,
        )


async def work(peak_seconds: float, half_seconds: float) -> None:
    flow = Flow()
    await flow.agent.start()
    peak = await flow.run(peak_seconds)
    await flow.drain()
    tell(peak=peak)
    half, _ = await asyncio.gather(flow.run(half_seconds, peak / 2), sample(flow.agent, half_seconds))
    await flow.drain()
    tell(half=half, sent=flow.sent, handled=flow.agent.handled, answered=flow.agent.answered)
    await flow.agent.stop()


async def wade(seconds: float) -> None:
    flow = Flow()
    flow.agent.takes = SLOW
    await flow.agent.start()
    await sample(flow.agent, seconds)
    left = await flow.agent.broker.queue_length(name)
    tell(handled=flow.agent.handled, held=flow.agent.most_held, left=left)
    await flow.agent.stop()


asyncio.run({"work": work, "wade": wade}[role](*map(float, arguments)))
gc.collect()  # what nobody has looked at says so now
