"""
What the core adds to a message, in microseconds, measured on the memory backend.

    python benchmarks/core.py [--messages N] [--rounds N]

Prints the median of the rounds. "alone" is one sender that awaits each of its sends, "together" 100 that send at once.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from microagent import MicroAgent, Queue, Signal, consumer, receiver
from microagent.tools.memory import MemoryBroker, MemorySignalBus

PING = Signal("bench_ping", {"user_id": "integer", "name": "string"})
WORK = Queue(
    "bench_work",
    payload={
        "type": "object",
        "properties": {"user_id": {"type": "integer"}, "name": {"type": "string"}},
        "required": ["user_id", "name"],
    },
)
SENDERS = 100
MESSAGE: dict[str, Any] = {"user_id": 1, "name": "somebody"}


class Gate:
    """Opens when so many have passed."""

    def __init__(self, count: int) -> None:
        self._left = count
        self.opened = asyncio.Event()

    def add(self) -> None:
        self._left -= 1
        if not self._left:
            self.opened.set()


class Bench(MicroAgent):
    gate: Gate

    @receiver(PING)
    async def hear(self, user_id: int, **kwargs: object) -> None:
        self.gate.add()

    @consumer(WORK)
    async def work(self, user_id: int, **kwargs: object) -> None:
        self.gate.add()


async def alone(send: Callable[[], Awaitable[None]], count: int) -> None:
    for _ in range(count):
        await send()


async def together(send: Callable[[], Awaitable[None]], count: int) -> None:
    await asyncio.gather(*(alone(send, count // SENDERS) for _ in range(SENDERS)))


async def per_message(work: Awaitable[Any], count: int) -> float:
    started = time.perf_counter()
    await work
    return (time.perf_counter() - started) / count * 1e6


async def measure_sending(count: int) -> dict[str, float]:
    """Sending a signal that nobody hears, and a message that nobody takes yet."""
    bus, broker = MemorySignalBus(), MemoryBroker()

    async def publish() -> None:
        await bus.bench_ping.send("bench", **MESSAGE)

    async def send() -> None:
        await broker.bench_work.send(MESSAGE)

    return {
        "send a signal, alone": await per_message(alone(publish, count), count),
        "send a signal, together": await per_message(together(publish, count), count),
        "send a message, alone": await per_message(alone(send, count), count),
        "send a message, together": await per_message(together(send, count), count),
    }


async def measure_dispatch(count: int) -> dict[str, float]:
    """From the backend's bytes to the end of the handler."""
    agent = Bench(bus=MemorySignalBus())
    await agent.start(enable_consuming_messages=False)
    body, channel = PING.encode(MESSAGE), PING.make_channel_name("PUBSUB", "bench")

    async def arrive() -> None:
        agent.gate = Gate(count)
        for _ in range(count // 1000):
            await agent.bus._publish([(channel, body)] * 1000)
            await asyncio.sleep(0)
        await agent.gate.opened.wait()

    result = await per_message(arrive(), count)
    await agent.stop()
    return {"dispatch a signal": result}


async def measure_consuming(count: int) -> dict[str, float]:
    """Take, handle and settle messages that wait."""
    agent = Bench(broker=MemoryBroker())
    for _ in range(count // 1000):
        await asyncio.gather(*(agent.broker.bench_work.send(MESSAGE) for _ in range(1000)))
    agent.gate = Gate(count)
    started = time.perf_counter()
    await agent.start(enable_receiving_signals=False)
    await agent.gate.opened.wait()
    result = (time.perf_counter() - started) / count * 1e6
    await agent.stop()
    return {"take, handle and settle a message": result}


async def run(messages: int, rounds: int) -> dict[str, list[float]]:
    results: dict[str, list[float]] = {}
    for _ in range(rounds):
        for measure in (measure_dispatch, measure_consuming, measure_sending):
            for name, value in (await measure(messages)).items():
                results.setdefault(name, []).append(value)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description="What the core adds to a message, in microseconds.")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for name, values in asyncio.run(run(options.messages, options.rounds)).items():
        print(f"{name:36} {statistics.median(values):6.1f} us")


if __name__ == "__main__":
    main()
