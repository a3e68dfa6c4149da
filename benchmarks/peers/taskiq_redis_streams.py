"""taskiq with its broker that acknowledges, on Redis's streams."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from taskiq.api import run_receiver_task
from taskiq_redis import RedisStreamBroker

from peers.base import Handler, Peer
from peers.running import alongside


class TaskIQ(Peer):
    def __init__(self, dsn: str, tag: str) -> None:
        super().__init__(dsn, tag)
        self._handle: Handler | None = None
        self._broker = RedisStreamBroker(dsn, queue_name=tag, consumer_group_name=tag, consumer_id="0")

        @self._broker.task(task_name="work")
        async def work(message: dict[str, Any]) -> None:
            if self._handle is not None:
                await self._handle(message["at"])

        self._work = work

    async def open(self) -> None:
        await self._broker.startup()

    async def close(self) -> None:
        await self._broker.shutdown()

    async def enqueue(self, message: dict[str, Any]) -> None:
        await self._work.kiq(message)

    @asynccontextmanager
    async def consuming(self, handle: Handler, concurrency: int | None) -> AsyncIterator[None]:
        self._handle = handle
        options = {} if concurrency is None else {"max_async_tasks": concurrency}
        self._broker.is_worker_process = True
        async with alongside(run_receiver_task(self._broker, run_startup=True, **options)):
            yield


peer = TaskIQ
