"""A loop around aiokafka that takes care as ours does: ten handlers at once, messages checked, a deadline for each."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from peers.base import Handler
from peers.checks import by_hand
from peers.driver_kafka import BATCH, Driver
from peers.running import alongside
from peers.topics import created

CONCURRENCY = 10
DEADLINE = 60  # seconds for one handler


class Careful(Driver):
    """What fails is written elsewhere, with the reason; offsets are committed when all before them is done."""

    @asynccontextmanager
    async def consuming(self, handle: Handler, concurrency: int | None) -> AsyncIterator[None]:
        await created(self.dsn, self.tag)
        options = {"group_id": self.tag, "enable_auto_commit": False, "auto_offset_reset": "earliest"}
        decode = by_hand()

        async def some(records: Iterator[Any]) -> None:
            for record in records:
                try:
                    message = decode(record.value)
                    async with asyncio.timeout(DEADLINE):
                        await handle(message["at"])
                except Exception as error:  # noqa: BLE001 - whatever a handler raises, the others go on
                    headers = [*record.headers, ("reason", str(error).encode())]
                    await producer.send_and_wait(f"{self.tag}.failed", record.value, record.key, headers=headers)

        async def work() -> None:
            while True:
                batches = await consumer.getmany(timeout_ms=1000, max_records=BATCH)
                records = chain.from_iterable(batches.values())
                await asyncio.gather(*(some(records) for _ in range(concurrency or CONCURRENCY)))
                await consumer.commit()

        async with (
            AIOKafkaProducer(**self._place, acks="all", enable_idempotence=True) as producer,
            AIOKafkaConsumer(self.tag, **self._place, **options) as consumer,
            alongside(work()),
        ):
            yield


peer = Careful
