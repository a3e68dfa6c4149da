"""huey on SQLite, every transaction on the disk; drained by one worker without the cost of threads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from huey import SqliteHuey

from peers.base import Handler, Peer
from peers.running import alongside


class Huey(Peer):
    def __init__(self, dsn: str, tag: str) -> None:
        super().__init__(dsn, tag)
        self._handle: Handler | None = None
        self._huey = SqliteHuey(tag, filename=f"{dsn.removeprefix('local://')}.db", results=False, fsync=True)

        @self._huey.task(name="work")
        def work(message: dict[str, Any]) -> None:
            if self._handle is not None:
                run = self._handle(message["at"])
                with suppress(StopIteration):  # it waits for nothing
                    run.send(None)  # type: ignore[attr-defined]  # huey has no types

        self._work = work

    async def enqueue(self, message: dict[str, Any]) -> None:
        self._work(message)

    @asynccontextmanager
    async def consuming(self, handle: Handler, concurrency: int | None) -> AsyncIterator[None]:
        self._handle = handle

        async def work() -> None:
            while True:
                if (task := self._huey.dequeue()) is not None:
                    self._huey.execute(task)
                await asyncio.sleep(0 if task else 0.001)

        async with alongside(work()):
            yield


peer = Huey
