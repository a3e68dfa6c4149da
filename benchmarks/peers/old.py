"""microagent 1.9, as its manual says, on Redis or RabbitMQ."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from microagent import MicroAgent, Queue, Signal, consumer, receiver
from peers.base import PAYLOAD, Handler, Peer

SUBSCRIBING = 0.3  # seconds: its agents are started before they are subscribed


class Old(Peer):
    def __init__(self, dsn: str, tag: str) -> None:
        super().__init__(dsn, tag)
        self._signal = Signal(name=f"signal_{tag}", providing_args=list(PAYLOAD))
        self._queue = Queue(name=f"queue_{tag}")

    async def open(self) -> None:
        if self.dsn.startswith("redis"):
            self._sent = getattr(self._bus(), self._signal.name)
        broker = self._broker()
        if not self.dsn.startswith("redis"):
            await self._declare()
        self._queued = getattr(broker, self._queue.name)

    async def _declare(self) -> None:
        """As its consumers do, and they insist on it: not durable."""
        import aiormq

        connection = await aiormq.connect(self.dsn)
        await (await connection.channel()).queue_declare(self._queue.name)
        await connection.close()

    def _bus(self) -> Any:
        from microagent.tools.redis import RedisSignalBus

        return RedisSignalBus(self.dsn)

    def _broker(self) -> Any:
        if self.dsn.startswith("redis"):
            from microagent.tools.redis import RedisBroker

            return RedisBroker(self.dsn)
        from microagent.tools.amqp import AMQPBroker

        return AMQPBroker(self.dsn)

    async def publish(self, message: dict[str, Any]) -> None:
        await self._sent.send("bench", **message)

    async def call(self, message: dict[str, Any]) -> None:
        await self._sent.call("bench", **message)

    async def enqueue(self, message: dict[str, Any]) -> None:
        await self._queued.send(message)

    @asynccontextmanager
    async def hearing(self, handle: Handler) -> AsyncIterator[None]:
        class Hears(MicroAgent):
            @receiver(self._signal)
            async def hear(self, at: float, **kwargs: Any) -> None:
                await handle(at)

        await Hears(bus=self._bus()).start()
        await asyncio.sleep(SUBSCRIBING)
        yield

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        class Answers(MicroAgent):
            @receiver(self._signal)
            async def answer(self, at: float, **kwargs: Any) -> float:
                return at

        await Answers(bus=self._bus()).start()
        await asyncio.sleep(SUBSCRIBING)
        yield

    @asynccontextmanager
    async def consuming(self, handle: Handler, concurrency: int | None) -> AsyncIterator[None]:
        class Consumes(MicroAgent):
            @consumer(queue=self._queue)
            async def consume(self, at: float, **kwargs: Any) -> None:
                await handle(at)

        await Consumes(broker=self._broker()).start()
        yield


peer = Old
