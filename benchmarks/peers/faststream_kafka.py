"""faststream on Kafka, acknowledging what was handled."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from peers.base import Handler, Peer
from peers.topics import created


class FastStream(Peer):
    def _made(self) -> KafkaBroker:
        return KafkaBroker(self.dsn.removeprefix("kafka://"), acks="all", enable_idempotence=True, logger=None)

    async def open(self) -> None:
        await created(self.dsn, self.tag)
        self._broker = self._made()
        await self._broker.start()

    async def close(self) -> None:
        await self._broker.stop()

    async def enqueue(self, message: dict[str, Any]) -> None:
        await self._broker.publish(message, topic=self.tag)

    @asynccontextmanager
    async def consuming(self, handle: Handler, concurrency: int | None) -> AsyncIterator[None]:
        await created(self.dsn, self.tag)
        broker = self._made()

        @broker.subscriber(
            self.tag, group_id=self.tag, auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR
        )
        async def consume(message: dict[str, Any]) -> None:
            await handle(message["at"])

        async with broker:
            await broker.start()
            yield


peer = FastStream
