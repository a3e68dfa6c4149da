"""aiokafka alone: an idempotent producer that all replicas answer to, a commit for each batch that was handled."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from peers.base import Handler, Peer, payload
from peers.running import alongside
from peers.topics import created

BATCH = 100  # messages that are taken and committed together, as a consumer of ours holds them


class Driver(Peer):
    def __init__(self, dsn: str, tag: str) -> None:
        super().__init__(dsn, tag)
        self._place = {"bootstrap_servers": dsn.removeprefix("kafka://")}

    async def open(self) -> None:
        await created(self.dsn, self.tag)
        self._producer = AIOKafkaProducer(**self._place, acks="all", enable_idempotence=True)
        await self._producer.start()

    async def close(self) -> None:
        await self._producer.stop()

    async def enqueue(self, message: dict[str, Any]) -> None:
        await self._producer.send_and_wait(self.tag, json.dumps(message).encode())

    async def burst(self, what: str, count: int) -> None:
        bodies = [json.dumps(payload()).encode() for _ in range(count)]
        await asyncio.gather(*[await self._producer.send(self.tag, body) for body in bodies])

    @asynccontextmanager
    async def consuming(self, handle: Handler, concurrency: int | None) -> AsyncIterator[None]:
        await created(self.dsn, self.tag)
        options = {"group_id": self.tag, "enable_auto_commit": False, "auto_offset_reset": "earliest"}
        consumer = AIOKafkaConsumer(self.tag, **self._place, **options)
        await consumer.start()

        async def work() -> None:
            while True:
                for messages in (await consumer.getmany(timeout_ms=1000, max_records=BATCH)).values():
                    for message in messages:
                        await handle(json.loads(message.value)["at"])
                await consumer.commit()

        async with alongside(work()):
            yield
        await consumer.stop()


peer = Driver
