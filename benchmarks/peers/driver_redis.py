"""redis-py alone: 40 commands to a pipeline, 40 messages to a pop that forgets them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from peers.base import Handler, Peer, payload
from peers.running import alongside

BATCH = 40


class Driver(Peer):
    def __init__(self, dsn: str, tag: str) -> None:
        super().__init__(dsn, tag)
        self._redis = Redis.from_url(dsn)

    async def close(self) -> None:
        await self._redis.aclose()

    async def publish(self, message: dict[str, Any]) -> None:
        await self._redis.publish(self.tag, json.dumps(message))

    async def enqueue(self, message: dict[str, Any]) -> None:
        await self._redis.rpush(self.tag, json.dumps(message))

    async def burst(self, what: str, count: int) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for _ in range(count):
                (pipeline.publish if what == "publish" else pipeline.rpush)(self.tag, json.dumps(payload()))
            await pipeline.execute()

    @asynccontextmanager
    async def hearing(self, handle: Handler) -> AsyncIterator[None]:
        async with self._redis.pubsub() as pubsub:
            await pubsub.psubscribe(f"{self.tag}*")

            async def listen() -> None:
                async for message in pubsub.listen():
                    if message["type"] == "pmessage":
                        await handle(json.loads(message["data"])["at"])

            async with alongside(listen()):
                yield

    @asynccontextmanager
    async def consuming(self, handle: Handler, concurrency: int | None) -> AsyncIterator[None]:
        async def pop() -> None:
            while bodies := await self._redis.lpop(self.tag, BATCH):
                for body in bodies:
                    await handle(json.loads(body)["at"])

        async def wait() -> None:
            while item := await self._redis.blpop([self.tag]):
                await handle(json.loads(item[1])["at"])
                await pop()

        async with alongside(wait()):
            yield


peer = Driver
