"""faststream on RabbitMQ: durable queues, persistent messages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from faststream.rabbit import Channel, RabbitBroker, RabbitQueue

from peers.base import Handler, Peer

PREFETCH = 100


class FastStream(Peer):
    def __init__(self, dsn: str, tag: str) -> None:
        super().__init__(dsn, tag)
        self._broker = RabbitBroker(dsn, logger=None)
        self._queue = RabbitQueue(tag, durable=True)

    async def open(self) -> None:
        await self._broker.start()
        await self._broker.declare_queue(self._queue)

    async def close(self) -> None:
        await self._broker.stop()

    async def enqueue(self, message: dict[str, Any]) -> None:
        await self._broker.publish(message, queue=self._queue, persist=True)

    @asynccontextmanager
    async def consuming(self, handle: Handler, concurrency: int | None) -> AsyncIterator[None]:
        broker = RabbitBroker(self.dsn, logger=None, default_channel=Channel(prefetch_count=concurrency or PREFETCH))

        @broker.subscriber(self._queue)
        async def consume(message: dict[str, Any]) -> None:
            await handle(message["at"])

        async with broker:
            await broker.start()
            yield


peer = FastStream
