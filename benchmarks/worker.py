"""
A process that measures one peer: ``worker.py ADAPTER DSN [--uvloop]``, then an order a line on its standard input.

An order is a JSON object, ``{"scenario": ..., "tag": ..., "seconds": ..., "count": ...}``. The answer is a line too;
some scenarios say ``"ready"`` before it.
"""

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from importlib import import_module
from typing import Any, TypeAlias

from peers.base import Handler, Peer, payload

WIDTH = 40  # senders at once
RATE = 1000  # signals or messages a second, where latency is measured
NAP = 0.01  # seconds that a slow handler takes
MANY = 1000  # receivers in one agent
SLOTS = 100  # slow handlers at once
WARM = 20  # of each thing, before it is measured
QUIET = 5.0  # seconds without anything new after which the rest counts as lost

Order: TypeAlias = dict[str, Any]
Result: TypeAlias = dict[str, float]
Make: TypeAlias = Callable[[str], Peer]


class Stopwatch:
    """Wall time, and the processor time of this process with all its threads."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def over(self, count: int) -> Result:
        """What ``count`` of something took, so far."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return {"rate": count / wall, "cpu": cpu / count * 1e6, "count": count}


class Counting:
    """
    A handler that counts, from the first it is called for.

    :param goal: it is enough then, or after ``seconds``
    :param nap: seconds that each run takes
    """

    def __init__(self, goal: int, seconds: float, nap: float = 0.0) -> None:
        self._goal = goal
        self._seconds = seconds
        self._nap = nap
        self._watch: Stopwatch | None = None
        self.last = 0.0
        self.count = 0
        self.seen: list[float] = []
        self.result: Result = {}
        self.enough = asyncio.Event()

    async def handle(self, at: float) -> None:
        self.last = time.perf_counter()
        if self._watch is None:
            self._watch = Stopwatch()
            asyncio.get_running_loop().call_later(self._seconds, self.end)
        if self._nap:
            await asyncio.sleep(self._nap)
        self.count += 1
        if self.count == self._goal:
            self.end()

    async def note(self, at: float) -> None:
        """How late it is."""
        self.seen.append(time.monotonic() - at)
        await self.handle(at)

    def end(self) -> None:
        if self._watch is not None and not self.enough.is_set():
            self.result = self._watch.over(max(self.count, 1))
            self.enough.set()

    async def wait(self, patience: float) -> Result:
        """The result, once it is enough; or what there is, when nothing new has come for so long."""
        count = -1
        while not self.enough.is_set() and count != self.count:
            count = self.count
            try:
                async with asyncio.timeout(patience):
                    await self.enough.wait()
            except TimeoutError:
                pass
        return self.result or {"count": self.count}


def ready() -> None:
    say("ready")


def say(value: Any) -> None:
    ANSWERS.write(json.dumps(value) + "\n")
    ANSWERS.flush()


# -- sending


async def alone(act: Callable[[], Awaitable[Any]], seconds: float) -> int:
    """One after the other, for so long; how many."""
    count, until = 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        await act()
        count += 1
    return count


async def together(act: Callable[[], Awaitable[Any]], seconds: float) -> int:
    return sum(await asyncio.gather(*(alone(act, seconds) for _ in range(WIDTH))))


def sending(what: str, width: int) -> Callable[[Make, Order], Awaitable[Result]]:
    """Of one sender that awaits each, or of forty."""

    async def measure(make: Make, order: Order) -> Result:
        async with opened(make(order["tag"])) as peer:
            send = getattr(peer, what)

            async def one() -> None:
                await send(payload())

            async def forty() -> None:
                await peer.burst(what, WIDTH)  # type: ignore[misc]  # None was asked for above

            for _ in range(WARM):
                await one()
            watch = Stopwatch()
            if width == 1:
                count = await alone(one, order["seconds"])
            elif peer.burst is None:
                count = await together(one, order["seconds"])
            else:
                count = await alone(forty, order["seconds"]) * WIDTH
            return watch.over(count)

    return measure


async def fill(make: Make, order: Order) -> Result:
    """Send so many to a queue, as fast as the peer can."""
    async with opened(make(order["tag"])) as peer:
        left = iter(range(order["count"]))

        async def some() -> None:
            for _ in left:
                await peer.enqueue(payload())

        if peer.burst is None:
            await asyncio.gather(*(some() for _ in range(WIDTH)))
        else:
            for _ in range(-(-order["count"] // WIDTH)):
                await peer.burst("enqueue", WIDTH)
        return {"count": order["count"]}


async def stock(make: Make, order: Order) -> Result:
    """Let very many messages wait, by the shortest way there is."""
    make(order["tag"]).stock(order["count"], json.dumps(payload()).encode())
    return {}


async def publish(make: Make, order: Order) -> Result:
    """Send one signal, for whoever wants to know how it looks on the wire."""
    async with opened(make(order["tag"])) as peer:
        await peer.publish(payload())
        return {}


# -- receiving


async def receive(make: Make, order: Order) -> Result:
    """Of signals that somebody else sends."""
    counting = Counting(order["count"], order["seconds"])
    async with make(order["tag"]).hearing(counting.handle):
        ready()
        return await counting.wait(QUIET)


async def receive_by_many(make: Make, order: Order) -> Result:
    """The same in an agent that has a thousand receivers, each of another signal."""
    counting = Counting(order["count"], order["seconds"])
    async with make(order["tag"]).hearing_many(counting.handle, MANY):
        ready()
        return await counting.wait(QUIET)


async def deliver(make: Make, order: Order) -> Result:
    """Forty senders and the receiver in one process, from the first send to the last arrival."""
    peer = make(order["tag"])
    counting = Counting(-1, 3600)
    async with opened(peer), peer.hearing(counting.handle):
        for _ in range(WARM):
            await peer.publish(payload())
        await until(lambda: counting.count >= WARM)
        counting.count = 0
        watch, began = Stopwatch(), time.perf_counter()
        sent = await together(lambda: peer.publish(payload()), order["seconds"])
        await until(lambda: counting.count >= sent)
        came = max(counting.count, 1)
        return {**watch.over(came), "rate": came / (counting.last - began), "lost": sent - counting.count}


async def until(condition: Callable[[], bool]) -> None:
    patience = time.monotonic() + QUIET
    while not condition() and time.monotonic() < patience:  # noqa: ASYNC110 - nothing tells it
        await asyncio.sleep(0.001)


def draining(concurrency: int | None, nap: float = 0.0) -> Callable[[Make, Order], Awaitable[Result]]:
    """Of a queue that is full already."""

    async def measure(make: Make, order: Order) -> Result:
        counting = Counting(order["count"], order["seconds"], nap)
        async with make(order["tag"]).consuming(counting.handle, concurrency):
            result = await counting.wait(QUIET)
        if nap and counting.result:
            result["share"] = result["rate"] * nap / SLOTS * 100
        return result

    return measure


async def memory(make: Make, order: Order) -> Result:
    """What a consumer does while very many messages wait, and how much it grows."""
    before = peak()
    return {**await draining(None)(make, order), "grown": peak() - before}


def peak() -> float:
    """Most memory that this process had at a time, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# -- there and back


def calling(width: int) -> Callable[[Make, Order], Awaitable[Result]]:
    """Of one caller that awaits each answer, or of forty."""

    async def measure(make: Make, order: Order) -> Result:
        seconds: list[float] = []
        async with opened(make(order["tag"])) as peer:

            async def one() -> None:
                began = time.perf_counter()
                await peer.call(payload())
                seconds.append(time.perf_counter() - began)

            for _ in range(WARM):
                await one()
            seconds.clear()
            watch = Stopwatch()
            count = await (alone if width == 1 else together)(one, order["seconds"])
            return {**watch.over(count), **percentiles(seconds)}

    return measure


async def answer(make: Make, order: Order) -> Result:
    """Answer calls until the next line of input."""
    async with make(order["tag"]).answering():
        return await on_call()


async def on_call() -> Result:
    ready()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    return {}


def pacing(what: str) -> Callable[[Make, Order], Awaitable[Result]]:
    """Send so many at a steady rate."""

    async def measure(make: Make, order: Order) -> Result:
        async with opened(make(order["tag"])) as peer:
            send: Callable[[dict[str, Any]], Awaitable[None]] = getattr(peer, what)
            began, sends = time.monotonic(), set[asyncio.Task[None]]()
            for number in range(order["count"]):
                await asyncio.sleep(began + number / RATE - time.monotonic())
                sends.add(asyncio.ensure_future(send(payload())))
            await asyncio.gather(*sends)
            return {"rate": order["count"] / (time.monotonic() - began)}

    return measure


def lateness(way_in: Callable[[Peer, Handler], AbstractAsyncContextManager[None]]) -> Any:
    """Of what somebody sends at a steady rate."""

    async def measure(make: Make, order: Order) -> Result:
        counting = Counting(order["count"], 3600)
        async with way_in(make(order["tag"]), counting.note):
            ready()
            result = await counting.wait(QUIET)
        late = counting.seen[order["count"] // 10 :]  # the first ones find connections that are not open yet
        return {**result, **percentiles(late), "lost": order["count"] - counting.count}

    return measure


def percentiles(seconds: list[float]) -> Result:
    """In microseconds."""
    ordered = sorted(seconds) or [0.0]
    return {
        name: ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1e6
        for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))
    }


# -- without a server


async def decode(make: Make, order: Order) -> Result:
    """Decode and check one payload again and again."""
    take, body = make(order["tag"]).decode, json.dumps(payload()).encode()
    take(body)
    watch, until, count = Stopwatch(), time.perf_counter() + order["seconds"], 0
    while time.perf_counter() < until:
        for _ in range(100):
            take(body)
        count += 100
    return watch.over(count)


class opened:  # noqa: N801 - reads as a function
    """The peer, connected as long as the block runs."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def __aenter__(self) -> Peer:
        await self._peer.open()
        return self._peer

    async def __aexit__(self, *failure: object) -> None:
        await self._peer.close()


SCENARIOS: dict[str, Callable[[Make, Order], Awaitable[Result]]] = {
    "signals.alone": sending("publish", 1),
    "signals.together": sending("publish", WIDTH),
    "signals.receive": receive,
    "signals.single": receive,
    "signals.thousand": receive_by_many,
    "signals.deliver": deliver,
    "signals.latency": lateness(lambda peer, handle: peer.hearing(handle)),
    "calls.alone": calling(1),
    "calls.together": calling(WIDTH),
    "queues.alone": sending("enqueue", 1),
    "queues.together": sending("enqueue", WIDTH),
    "queues.drain": draining(None),
    "queues.sleep": draining(SLOTS, NAP),
    "queues.latency": lateness(lambda peer, handle: peer.consuming(handle, None)),
    "queues.million": memory,
    "decode": decode,
    "answer": answer,
    "fill": fill,
    "stock": stock,
    "publish": publish,
    "pace.publish": pacing("publish"),
    "pace.enqueue": pacing("enqueue"),
}


@contextmanager
def kept_output() -> Iterator[Any]:
    """Our own standard output; what libraries print goes to the standard error."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        yield answers


def main() -> None:
    module, dsn, *options = sys.argv[1:]
    make = import_module(f"peers.{module}").peer
    factory = import_module("uvloop").new_event_loop if "--uvloop" in options else None
    for line in iter(sys.stdin.readline, ""):
        order: Order = json.loads(line)
        scenario = SCENARIOS[order["scenario"]]
        with asyncio.Runner(loop_factory=factory) as runner:
            # A coroutine is an Awaitable, and not the other way round.
            say(runner.run(scenario(lambda tag: make(dsn, tag), order)))  # type: ignore[arg-type]  # see above


if __name__ == "__main__":
    with kept_output() as ANSWERS:
        main()
