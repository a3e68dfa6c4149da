"""Runs the operations on the store in a thread, those that wait at the same time in one transaction."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias, TypeVar

from microagent.tools.local.forks import register_for_forks
from microagent.tools.local.store import Store

T = TypeVar("T")


@dataclass(slots=True)
class Job:
    """An operation on the store, and the future for its result. ``durable``: see :meth:`Store.transaction`."""

    operation: Callable[[Store], Any]
    result: "asyncio.Future[Any]"
    durable: bool = False


Outcome: TypeAlias = tuple["asyncio.Future[Any]", Any, Exception | None]


class Committer:
    """
    Runs operations on a store, in order.

    :param open_store: opens the store; called in the thread
    :param readied: called on the loop with the queues that have new messages to take
    """

    def __init__(self, open_store: Callable[[], Store], readied: Callable[[set[str]], None]) -> None:
        self._open_store = open_store
        self._readied = readied
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._ended: concurrent.futures.Future[None] = concurrent.futures.Future()
        register_for_forks(self)

    def descriptors(self) -> list[int]:
        """None: the store has its own."""
        return []

    def forget(self) -> None:
        """The thread belongs to the parent process."""
        self._ended = concurrent.futures.Future()
        self._ended.set_result(None)

    async def start(self) -> None:
        """
        Open the store.

        :raises BackendError: if it cannot be
        """
        started: asyncio.Future[None] = self._loop.create_future()
        threading.Thread(target=self._work, args=(started,), name="microagent store", daemon=True).start()
        await started

    async def stop(self, patience: float) -> None:
        """
        Close the store after the waiting operations. Can be called on another loop than ``start``.

        :param patience: seconds to wait for that; then the thread is left to finish by itself
        """
        self._loop = asyncio.get_running_loop()
        self._jobs.put(None)
        await asyncio.wait([asyncio.wrap_future(self._ended)], timeout=patience)

    def submit(self, operation: Callable[[Store], T], *, durable: bool = False) -> "asyncio.Future[T]":
        """A future for the result, done after the commit. If it is cancelled in time, the operation is not run."""
        self._loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(Job(operation, result, durable))
        return result

    # In the thread

    def _work(self, started: "asyncio.Future[None]") -> None:
        try:
            if (store := self._opened(started)) is not None:
                with closing(store):
                    self._serve(store)
        finally:
            self._ended.set_result(None)

    def _opened(self, started: "asyncio.Future[None]") -> Store | None:
        try:
            store = self._open_store()
        except Exception as error:  # noqa: BLE001 - start() raises it
            self._on_loop(_resolve, started, None, error)
            return None
        self._on_loop(_resolve, started, None, None)
        return store

    def _serve(self, store: Store) -> None:
        going_on = True
        while going_on:
            waiting = self._waiting()
            going_on = waiting[-1] is not None
            if jobs := [job for job in waiting if job is not None]:
                self._on_loop(self._tell, _carry_out(store, jobs), store.readied())

    def _waiting(self) -> "list[Job | None]":
        """All jobs that wait, at least one; a None, if there is one, comes last."""
        jobs = [self._jobs.get()]
        with suppress(Empty):
            while jobs[-1] is not None:
                jobs.append(self._jobs.get_nowait())
        return jobs

    def _on_loop(self, callback: Callable[..., None], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(callback, *arguments)

    # On the loop

    def _tell(self, outcomes: Sequence[Outcome], readied: set[str]) -> None:
        for outcome in outcomes:
            _resolve(*outcome)
        if readied:
            self._readied(readied)


def _carry_out(store: Store, jobs: Sequence[Job]) -> list[Outcome]:
    """Run the jobs in one transaction; if it fails, each in its own, so that only the faulty one fails."""
    try:
        with store.transaction(durable=any(job.durable for job in jobs)):
            return [(job.result, job.operation(store), None) for job in jobs if not job.result.cancelled()]
    except Exception as error:  # noqa: BLE001 - it is the result of the job
        if len(jobs) == 1:
            return [(jobs[0].result, None, error)]
        return [outcome for job in jobs for outcome in _carry_out(store, [job])]


def _resolve(result: "asyncio.Future[Any]", value: Any, error: Exception | None) -> None:
    if result.done() or result.get_loop() is not asyncio.get_running_loop():
        return
    if error is None:
        result.set_result(value)
    else:
        result.set_exception(error)
