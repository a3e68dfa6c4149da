"""The producers and consumers of a run: processes that are killed, stopped and replaced."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from support import until

from faults.ledger import read
from faults.places import Place

WORKER = Path(__file__).with_name("worker.py")
PATIENCE = 60.0  # seconds for a process to begin, or to end when it is told to


class Post:
    """
    A producer or consumer, held by one process after the other.

    :ivar taken: while a fault has it
    """

    def __init__(self, name: str, folder: Path, place: Place, queue: str, python: str) -> None:
        self.name = name
        self.taken = asyncio.Lock()
        self._folder = folder
        self._start = (place.backend, place.dsn, json.dumps(place.options), queue)
        self._python = python
        self._number = 0
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self, *arguments: str) -> None:
        """A new process takes it, with these arguments for ``worker.py``."""
        self._number += 1
        title = f"{self.name}.{self._number}"
        output = self._folder / f"{title}.log"
        ledger = self._folder / f"{title}.ledger"
        with output.open("wb") as sink:
            command = (self._python, "-I", str(WORKER), str(ledger), *self._start, *arguments)
            self.process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT)  # noqa: ASYNC220 - a moment

    @property
    def is_ready(self) -> bool:
        return "ready\n" in (self._folder / f"{self.name}.{self._number}.log").read_text()

    @property
    def status(self) -> int | None:
        """The exit status of its process; None while it runs."""
        assert self.process is not None
        return self.process.poll()

    async def send(self, number: signal.Signals) -> int:
        """The exit status, after this signal."""
        assert self.process is not None
        self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, PATIENCE)

    async def pause(self, seconds: float) -> None:
        """Its process stands still for some time."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.process.send_signal(signal.SIGCONT)

    async def end(self) -> None:
        """Whatever it does, no process is left."""
        if self.process is not None and self.process.poll() is None:
            await self.send(signal.SIGKILL)


class Crew:
    """
    All of them.

    :param python: the interpreter that runs them
    :param longest: seconds that a handler takes at most
    :ivar complaints: what a process did that it should not do
    """

    def __init__(self, folder: Path, place: Place, queue: str, python: str, longest: float) -> None:
        self._folder = folder
        self._longest = str(longest)
        self._post = (folder, place, queue, python)
        self.consumers: list[Post] = []
        self.producers: list[Post] = []
        self._rest: dict[str, int] = {}
        self._rate = 0.0
        self.complaints: list[str] = []

    async def start(self, consumers: int, producers: int, messages: int, rate: float) -> None:
        """
        Consumers first.

        :param rate: messages that all producers together send in a second
        """
        self.consumers = [Post(f"consumer{n}", *self._post) for n in range(consumers)]
        self.producers = [Post(f"producer{n}", *self._post) for n in range(producers)]
        self._rate = rate / producers
        for post in self.consumers:
            await post.start("consume", self._longest)
        await until(lambda: all(post.is_ready or post.status is not None for post in self.consumers), PATIENCE)
        assert all(post.status is None for post in self.consumers), self.said()
        for post in self.producers:
            self._rest[post.name] = messages // producers
            await self._produce(post)

    async def _produce(self, post: Post) -> None:
        tried = sum(1 for entry in read(self._folder) if entry.what == "try" and entry.id.startswith(post.name))
        if (rest := self._rest[post.name] - tried) > 0:
            await post.start("produce", f"{post.name}.{tried}", str(rest), str(self._rate))

    async def replace(self, post: Post, number: signal.Signals) -> None:
        """End its process with this signal, and start another one; SIGTERM is for those that have begun to work."""
        if number == signal.SIGTERM:
            await until(lambda: post.is_ready or post.status is not None, PATIENCE)
        status = await post.send(number)
        if number == signal.SIGTERM and status != 0:
            self.complaints.append(f"{post.name} ended with {status} after SIGTERM")
        await (post.start("consume", self._longest) if post in self.consumers else self._produce(post))

    def pick(self, posts: Sequence[Post], target: int) -> Post | None:
        """One whose process runs and has no fault yet."""
        free = [post for post in posts if not post.taken.locked() and post.status is None]
        return free[target % len(free)] if free else None

    @property
    def is_producing(self) -> bool:
        return any(post.status is None or post.taken.locked() for post in self.producers)

    async def stop(self) -> None:
        """Consumers end as they are told to."""
        for post in self.consumers:
            if post.status is None and (status := await post.send(signal.SIGTERM)) != 0:
                self.complaints.append(f"{post.name} ended with {status} after SIGTERM")

    async def end(self) -> None:
        """No process is left."""
        for post in (*self.consumers, *self.producers):
            await post.end()

    def said(self) -> str:
        """All that they have printed."""
        return "\n".join(f"-- {path.name}\n{path.read_text()}" for path in sorted(self._folder.glob("*.log")))
