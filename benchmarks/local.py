"""
What ``local://`` takes for a message, and whether it matters how many wait.

    python benchmarks/local.py [--folder PATH] [--messages N] [--waiting N]

``--folder`` chooses the disk; the default is a temporary folder. "alone" is one sender that awaits each of its sends,
"together" 100 that send at once and share their writes.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable

from microagent import MicroAgent, Queue, Signal, consumer, receiver
from microagent.delivery import Settlement, Verdict
from microagent.tools.local import LocalBroker, LocalSignalBus
from microagent.tools.local.folder import Folder
from microagent.tools.local.store import Store

PING = Signal("bench_ping", {"number": "integer"})
WORK = Queue("bench_work")
SENDERS = 100
BATCH = 100
BODY = b'{"number": 1}'


class Bench(MicroAgent):
    left: int
    done: asyncio.Event

    @receiver(PING)
    async def answer(self, number: int, **kwargs: object) -> int:
        return number

    @consumer(WORK)
    async def work(self, number: int) -> None:
        self.left -= 1
        if not self.left:
            self.done.set()


async def alone(send: Callable[[], Awaitable[object]], count: int) -> None:
    for _ in range(count):
        await send()


async def per_message(work: Awaitable[object], count: int) -> float:
    """Microseconds."""
    began = time.perf_counter()
    await work
    return (time.perf_counter() - began) / count * 1e6


async def measure_queues(dsn: str, synchronous: str, count: int) -> dict[str, float]:
    async with LocalBroker(dsn, synchronous=synchronous) as broker:
        agent = Bench(broker=broker)
        agent.left = count + count // 10
        agent.done = asyncio.Event()

        async def send() -> None:
            await broker.bench_work.send({"number": 1})

        async def consume() -> None:
            await agent.start(enable_receiving_signals=False)
            await agent.done.wait()

        together = asyncio.gather(*(alone(send, count // SENDERS) for _ in range(SENDERS)))
        results = {
            f"send a message, together, {synchronous}": await per_message(together, count),
            f"send a message, alone, {synchronous}": await per_message(alone(send, count // 10), count // 10),
            f"take, handle and settle a message, {synchronous}": await per_message(consume(), agent.left),
        }
        await agent.stop()
        return results


async def measure_signals(dsn: str, count: int) -> dict[str, float]:
    async with LocalSignalBus(dsn) as bus:
        agent = Bench(bus=LocalSignalBus(dsn))
        await agent.start(enable_consuming_messages=False)

        async def call() -> None:
            await bus.bench_ping.call("bench", number=1)

        result = await per_message(alone(call, count // 10), count // 10)
        await agent.stop()
        return {"call and answer, alone": result}


def measure_waiting(path: str, count: int) -> dict[str, float]:
    """Take, settle and send messages while so many others wait."""
    folder = Folder.open(path)
    store = Store(folder, "bench", "FULL")
    for _ in range(count // 1000):
        with store.transaction(durable=False):
            store.push([("q", BODY)] * 1000)
    seconds: list[float] = []
    for _ in range(100):
        began = time.perf_counter()
        _cycle(store)
        seconds.append(time.perf_counter() - began)
    store.close()
    folder.close()
    return {f"take, settle and send a message, {count:,} waiting": statistics.median(seconds) / BATCH * 1e6}


def _cycle(store: Store) -> None:
    with store.transaction(durable=False):
        deliveries, _ = store.take("q", BATCH, 30)
    with store.transaction(durable=False):
        store.settle([Settlement(delivery, Verdict.ACK) for delivery in deliveries])
    with store.transaction(durable=True):
        store.push([("q", BODY)] * BATCH)


def main() -> None:
    parser = argparse.ArgumentParser(description="What local:// takes for a message, in microseconds.")
    parser.add_argument("--folder", help="where to make a temporary folder")
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--waiting", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        results: dict[str, float] = {}
        for synchronous in ("FULL", "NORMAL"):
            results |= asyncio.run(measure_queues(f"local://{place}/{synchronous}", synchronous, options.messages))
        results |= asyncio.run(measure_signals(f"local://{place}/signals", options.messages))
        for waiting in (1000, options.waiting):
            results |= measure_waiting(f"{place}/{waiting}", waiting)
    for name, value in results.items():
        print(f"{name:<60} {value:>9.1f} us")


if __name__ == "__main__":
    main()
