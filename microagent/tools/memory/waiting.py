"""Waiting on the event loop until something happens."""

import asyncio


class Waiters:
    """Any number of tasks that wait for the next :meth:`wake`."""

    def __init__(self) -> None:
        self._futures: set[asyncio.Future[None]] = set()

    async def wait(self, timeout: float | None) -> None:
        """Return at the next :meth:`wake`, or after ``timeout`` seconds."""
        future = asyncio.get_running_loop().create_future()
        self._futures.add(future)
        try:
            await asyncio.wait([future], timeout=timeout)
        finally:
            self._futures.discard(future)

    def wake(self) -> None:
        """Wake all who wait on the running loop; those of a loop that is gone wait for nothing any more."""
        loop = asyncio.get_running_loop()
        for future in self._futures:
            if not future.done() and future.get_loop() is loop:
                future.set_result(None)
