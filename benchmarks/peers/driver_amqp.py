"""aiormq alone: confirmed, persistent, mandatory; consumed a hundred ahead, what came together acknowledged at once."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiormq
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic

from peers.base import Handler, Peer, payload
from peers.running import alongside

PREFETCH = 100
PERSISTENT = 2


class Driver(Peer):
    async def _channel(self) -> Any:
        self._connection = await aiormq.connect(self.dsn)
        channel = await self._connection.channel()
        await channel.queue_declare(self.tag, durable=True)
        return channel

    async def open(self) -> None:
        self._sending = await self._channel()

    async def close(self) -> None:
        await self._connection.close()

    async def enqueue(self, message: dict[str, Any]) -> None:
        properties = Basic.Properties(delivery_mode=PERSISTENT)
        body = json.dumps(message).encode()
        await self._sending.basic_publish(body, routing_key=self.tag, properties=properties, mandatory=True)

    async def burst(self, what: str, count: int) -> None:
        await asyncio.gather(*(self.enqueue(payload()) for _ in range(count)))

    @asynccontextmanager
    async def consuming(self, handle: Handler, concurrency: int | None) -> AsyncIterator[None]:
        channel = await self._channel()
        await channel.basic_qos(prefetch_count=PREFETCH)
        came = asyncio.Event()
        waiting: list[DeliveredMessage] = []

        async def take(message: DeliveredMessage) -> None:
            waiting.append(message)
            came.set()

        async def work() -> None:
            while await came.wait():
                came.clear()
                messages = waiting.copy()
                waiting.clear()
                for message in messages:
                    await handle(json.loads(message.body)["at"])
                await channel.basic_ack(messages[-1].delivery_tag, multiple=True, wait=False)

        async with alongside(work()):
            await channel.basic_consume(self.tag, take)
            yield
        await self._connection.close()


peer = Driver
