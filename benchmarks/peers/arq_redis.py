"""arq, without keeping results."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker, func

from peers.base import Handler, Peer


class Arq(Peer):
    async def open(self) -> None:
        self._pool = await create_pool(RedisSettings.from_dsn(self.dsn), default_queue_name=self.tag)

    async def close(self) -> None:
        await self._pool.aclose()

    async def enqueue(self, message: dict[str, Any]) -> None:
        await self._pool.enqueue_job("work", message)

    @asynccontextmanager
    async def consuming(self, handle: Handler, concurrency: int | None) -> AsyncIterator[None]:
        async def work(context: Any, message: dict[str, Any]) -> None:
            await handle(message["at"])

        worker = Worker(
            [func(work, name="work", keep_result=0)],
            queue_name=self.tag,
            redis_settings=RedisSettings.from_dsn(self.dsn),
            handle_signals=False,
            log_results=False,
            **({} if concurrency is None else {"max_jobs": concurrency}),
        )
        task = asyncio.ensure_future(worker.async_run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with suppress(asyncio.CancelledError):  # of the jobs that it still had
                await worker.close()


peer = Arq
