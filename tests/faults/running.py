"""One run: messages pass while faults happen, and in the end each has to be accounted for."""

import asyncio
import json
import math
import os
import re
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, TypeVar

from support import unique, until

from faults.crew import PATIENCE, Crew, Post
from faults.ledger import Report, check, read, read_file
from faults.places import Place
from faults.schedule import Fault
from microagent.errors import BackendConnectionError, BackendError
from microagent.prefetch import UNSETTLED

T = TypeVar("T")

IS_LONG = "FAULTS_SECONDS" in os.environ  # by ``make faults``, and not among all other tests
CONSUMERS, PRODUCERS = 4, 2
CONCURRENCY = 10
DRAIN = 180.0  # seconds until all must be done
DELAY = 0.1
LONGEST = 0.02
HANDFUL = 40  # messages
SETTLEMENT = round(CONCURRENCY * (1 + UNSETTLED / (LONGEST / 2)))  # messages that are done and not settled, at most
LOOK = 0.2  # seconds between looks at the ledgers
COMPLAINTS = re.compile(
    r"""
    .*(?:never\ retrieved|never\ awaited|was\ destroyed\ but).*  # of asyncio
    |.*(?:reader\ failed|queue\ failed|cannot\ be\ settled|begins\ again).*  # of ours: something was not foreseen
    |.*is\ not\ accepted:\ (?!BackendConnectionError|Unanswered|Interrupted).*
    """,
    re.VERBOSE,
)


async def answered(ask: Callable[[], Awaitable[T]], patience: float) -> T:
    """What a server says, asked again where the connection is lost meanwhile, to a fault just before for example."""
    answers: list[T] = []

    async def is_answered() -> bool:
        with suppress(BackendConnectionError):
            answers.append(await ask())
        return bool(answers)

    await until(is_answered, patience)
    return answers[0]


class Run:
    """
    Producers send ``messages`` in ``seconds`` to four consumers.

    :param folder: for ledgers and logs
    :param python: the interpreter of producers and consumers
    :param longest: seconds that a handler takes at most
    :param patience: seconds until all must be done, once it is sent
    """

    def __init__(
        self,
        place: Place,
        folder: Path,
        faults: Sequence[Fault],
        messages: int,
        seconds: float,
        *,
        python: str = sys.executable,
        longest: float = LONGEST,
        patience: float = DRAIN,
    ) -> None:
        self._place = place
        self._folder = folder
        self._faults = faults
        self._messages = messages
        self._rate = messages / seconds
        self._queue = unique("queue")
        self._server = asyncio.Lock()
        self._network = asyncio.Lock()
        self._first_fault = math.inf
        self._last_fault = 0.0
        self._all_done = 0.0
        self._patience = patience
        self.crew = Crew(folder, place, self._queue, python, longest)

    async def __call__(self) -> Report:
        """What became of the messages."""
        broker = self._place.make_broker()
        try:
            await self.crew.start(CONSUMERS, PRODUCERS, self._messages, self._rate)
            await self._suffer()
            await self._drain(broker)
            self._all_done = self._report().ended
            await self._let_all_take_part(broker)
            await self._drain(broker)
            await self.crew.stop()
            self.crew.complaints += set(COMPLAINTS.findall(self.crew.said()))
            if left := await self._length(broker):
                self.crew.complaints.append(f"{left} messages are left in the queue")
            report = self._report(await self._dead(broker))
            self._print(report)
            return report
        finally:
            await self.crew.end()
            await broker.close()

    @property
    def bound(self) -> int:
        """Most duplicates: for each consumer that a fault hits, what it ran and what it had not settled yet."""
        return sum(_hits(fault) for fault in self._faults) * (CONCURRENCY + SETTLEMENT)

    def undisturbed(self) -> Report:
        """What became of the messages until the first fault."""
        return check(entry for entry in read(self._folder) if entry.time < self._first_fault)

    async def _suffer(self) -> None:
        await until(lambda: self._report().done, PATIENCE)  # from then on, there is something that faults can hit
        begin = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for fault in self._faults:
                await asyncio.sleep(max(0.0, begin + fault.at - time.monotonic()))
                group.create_task(self._happen(fault))
        try:
            await until(lambda: not self.crew.is_producing, self._patience)
        except TimeoutError:
            self.crew.complaints.append("a producer does not end")

    async def _happen(self, fault: Fault) -> None:
        print(f"  {fault}", flush=True)
        self._first_fault = min(self._first_fault, time.time())
        await _KINDS[fault.kind.name](self, fault)
        self._last_fault = time.time()

    # -- faults

    async def replace_consumer(self, fault: Fault, number: signal.Signals) -> None:
        await self._replace(self.crew.pick(self.crew.consumers, fault.target), number)

    async def replace_producer(self, fault: Fault, number: signal.Signals) -> None:
        await self._replace(self.crew.pick(self.crew.producers, fault.target), number)

    async def _replace(self, post: Post | None, number: signal.Signals) -> None:
        if post is not None:
            async with post.taken:
                await self.crew.replace(post, number)

    async def pause_consumer(self, fault: Fault) -> None:
        if (post := self.crew.pick(self.crew.consumers, fault.target)) is not None:
            async with post.taken:
                await post.pause(fault.kind.seconds)

    async def restart_server(self, fault: Fault, end: str) -> None:
        async with self._server:
            server = self._place.server
            await asyncio.to_thread(getattr(server, end))
            await asyncio.sleep(fault.kind.seconds)
            await asyncio.to_thread(server.start)

    async def cut(self, fault: Fault) -> None:
        assert self._place.cut is not None
        async with self._server:
            await self._place.cut()

    async def disturb(self, fault: Fault, disturbance: Callable[[Any], AbstractContextManager[None]]) -> None:
        async with self._network:
            with disturbance(self._place.proxy):
                await asyncio.sleep(fault.kind.seconds)

    async def hurt(self, fault: Fault, harm: Callable[[Any], None]) -> None:
        async with self._network:
            harm(self._place.proxy)

    # -- the account

    async def _let_all_take_part(self, broker: Any) -> None:
        """Send more, until each consumer has handled some of it: none of them has become deaf."""
        begin, deadline = time.time(), time.monotonic() + self._patience
        while idle := {post.name for post in self.crew.consumers} - self._busy_since(begin):
            if time.monotonic() > deadline:
                self.crew.complaints.append(f"{', '.join(sorted(idle))} handles nothing any more")
                return
            await asyncio.gather(*(self._send(broker) for _ in range(HANDFUL)))
            await asyncio.sleep(LOOK)

    async def _send(self, broker: Any) -> None:
        last = unique("last")
        self._write("try", last)
        with suppress(BackendError):  # it may be there or not, and others follow; a queue of 1.9 went with its server
            await broker.send(self._queue, f'{{"id": "{last}"}}')
            self._write("ok", last)

    def _write(self, what: str, number: str) -> None:
        with (self._folder / "test.ledger").open("a") as ledger:
            ledger.write(f"{time.time():.6f} {what} {number}\n")

    def _busy_since(self, begin: float) -> set[str]:
        ledgers = ((path.name.partition(".")[0], read_file(path)) for path in self._folder.glob("consumer*.ledger"))
        return {name for name, entries in ledgers if any(each.what == "done" and each.time > begin for each in entries)}

    def _report(self, dead: Sequence[str] = ()) -> Report:
        return check(read(self._folder), dead)

    async def _dead(self, broker: Any) -> list[str]:
        letters = await answered(lambda: broker.dead(self._queue, 10_000), self._patience)
        return [json.loads(letter.body)["id"] for letter in letters]

    async def _length(self, broker: Any) -> int:
        return await answered(lambda: broker.queue_length(self._queue), self._patience)

    async def _drain(self, broker: Any) -> None:
        """Return as soon as all that was acknowledged is done, and nothing waits any more; or after a long time."""

        async def is_drained() -> bool:
            await asyncio.sleep(LOOK)
            report = self._report(await self._dead(broker))
            return not report.lost and not await self._length(broker)

        with suppress(TimeoutError):
            await until(is_drained, self._patience)

    def _print(self, report: Report) -> None:
        print(f"{self._place.name}: {report}")
        since = f"; all done {self._all_done - self._last_fault:+.1f} s after the last fault" if self._faults else ""
        print(f"  at most {self.bound} duplicates{since}")
        for complaint in self.crew.complaints:
            print(f"  {complaint}")


def _hits(fault: Fault) -> int:
    if "producer" in fault.kind.name:
        return 0
    return 1 if "consumer" in fault.kind.name else CONSUMERS


_KINDS: dict[str, Callable[[Run, Fault], Coroutine[Any, Any, None]]] = {
    "kill a consumer": lambda run, fault: run.replace_consumer(fault, signal.SIGKILL),
    "end a consumer": lambda run, fault: run.replace_consumer(fault, signal.SIGTERM),
    "stop a consumer": lambda run, fault: run.pause_consumer(fault),
    "kill a producer": lambda run, fault: run.replace_producer(fault, signal.SIGKILL),
    "end a producer": lambda run, fault: run.replace_producer(fault, signal.SIGTERM),
    "restart the server": lambda run, fault: run.restart_server(fault, "stop"),
    "kill the server": lambda run, fault: run.restart_server(fault, "kill"),
    "cut all connections": lambda run, fault: run.cut(fault),
    "drop silently": lambda run, fault: run.disturb(fault, lambda proxy: proxy.silent()),
    "delay": lambda run, fault: run.disturb(fault, lambda proxy: proxy.slow(DELAY)),
    "dribble": lambda run, fault: run.disturb(fault, lambda proxy: proxy.dribbling()),
    "lose answers": lambda run, fault: run.disturb(fault, lambda proxy: proxy.losing_answers()),
    "reset connections": lambda run, fault: run.hurt(fault, lambda proxy: proxy.reset()),
    "half-close connections": lambda run, fault: run.hurt(fault, lambda proxy: proxy.half_close()),
}
