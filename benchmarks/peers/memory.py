"""This project inside one process: what its core alone costs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from peers.base import Handler, payload
from peers.ours import Ours

BACKLOG = 20_000


class Memory(Ours):
    @asynccontextmanager
    async def consuming(self, handle: Handler, concurrency: int | None) -> AsyncIterator[None]:
        """Of a queue that is filled first, for nobody else can."""
        for _ in range(BACKLOG // 1000):
            await asyncio.gather(*(self.enqueue(payload()) for _ in range(1000)))
        async with super().consuming(handle, concurrency):
            yield


peer = Memory
