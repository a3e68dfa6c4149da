"""Background tasks that have an owner."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

GRACE = 2.0


class Tasks:
    """
    The background tasks of one owner: kept while they run, reported when they fail, ended when the owner closes.

    :param log: gets one line with a traceback for every task that fails
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """A task that runs ``coroutine``; needs the running loop."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("Task %s failed", task.get_name(), exc_info=error)

    async def drain(self, timeout: float) -> int:
        """Wait up to ``timeout`` seconds for all of them; how many still run."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)
        return len(self._tasks)

    async def cancel(self, grace: float = GRACE) -> int:
        """
        Cancel all of them and wait up to ``grace`` seconds.

        :return: how many ignored it; each is named in the log
        """
        for task in self._tasks:
            task.cancel()
        wedged = await self.drain(grace)
        for task in self._tasks:
            self._log.error("Task %s ignores its cancellation and is left behind", task.get_name())
        self._tasks.clear()
        return wedged
