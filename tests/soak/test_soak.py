"""
A process that works for a long time, or has very much before it, stays as large as it is.

``SOAK_MINUTES`` is how long it works, ``SOAK_MESSAGES`` how many wait; without them, a few seconds and some thousand.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from support import unique

from microagent import Queue
from microagent.backends import make_broker
from soak.verdict import complaints, told

WORKER = Path(__file__).with_name("worker.py")
SECONDS = float(os.environ.get("SOAK_MINUTES") or 0.04) * 60
WAITING = int(os.environ.get("SOAK_MESSAGES") or 5_000)
PEAK_SECONDS = min(20.0, max(1.5, SECONDS / 10))
WADE_SECONDS = min(60.0, max(2.5, SECONDS / 10))
AT_ONCE = 1000  # messages that are sent together
OPTIONS: dict[str, dict[str, Any]] = {"kafka": {"partitions": 1}}


@pytest.fixture(params=["local", "redis", "amqp", "kafka"])
def backend(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Its name and its DSN."""
    name: str = request.param
    if name == "local":
        return name, f"local://{request.getfixturevalue('tmp_path')}/place"
    if name == "kafka":
        request.getfixturevalue("real_kafka")
    return name, request.getfixturevalue({"amqp": "rabbitmq_url"}.get(name, f"{name}_url"))


class Worker:
    """A process, and what it said: samples, other things, and what it wrote to stderr."""

    def __init__(self, backend: tuple[str, str], queue: str) -> None:
        name, dsn = backend
        self.queue = queue
        self._command = (str(WORKER), dsn, json.dumps(OPTIONS.get(name, {})), queue)
        self.samples: list[dict[str, float]] = []
        self.told: dict[str, float] = {}
        self.said = ""

    async def run(self, *arguments: object) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._command,
            *map(str, arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(WORKER.parents[1])},
        )
        assert process.stdout is not None
        assert process.stderr is not None
        listening = asyncio.create_task(process.stderr.read())
        async for line in process.stdout:
            said = json.loads(line)
            self.samples.append(said) if "rss" in said else self.told.update(said)
        self.said = (await listening).decode()
        assert await process.wait() == 0, self.said[-2000:]


@pytest.fixture
def worker(backend: tuple[str, str]) -> Worker:
    return Worker(backend, unique("soak"))


async def test_half_of_the_peak(worker: Worker, backend: tuple[str, str]):
    """Messages, failures and calls for a long time: memory, open files and tasks stay, and nobody forgets anything."""
    await worker.run("work", PEAK_SECONDS, SECONDS)
    rates = f"peak {worker.told['peak']:,.0f} messages/s, then {worker.told['half']:,.0f} for {SECONDS:g} s"
    print(f"{backend[0]}: {rates}: {told(worker.samples)}")
    assert list(complaints(worker.samples, worker.said)) == []
    assert worker.told["handled"] == worker.told["sent"] > 0
    assert "one in a thousand" in worker.said


async def test_very_many_wait(worker: Worker, backend: tuple[str, str]):
    """However many wait, a process holds no more than its prefetch, and does not grow."""
    name, dsn = backend
    queue = Queue(worker.queue).name
    async with make_broker({"dsn": dsn, "send_timeout": 60, **OPTIONS.get(name, {})}) as broker:
        for _ in range(WAITING // AT_ONCE):
            await asyncio.gather(*(broker[queue].send({"number": 2}) for _ in range(AT_ONCE)))
        assert await broker.queue_length(queue) == WAITING
        await worker.run("wade", WADE_SECONDS)
        handled, left = worker.told["handled"], worker.told["left"]
        print(f"{name}: {WAITING:,} wait, {handled:,.0f} handled, {left:,.0f} left: {told(worker.samples)}")
        assert list(complaints(worker.samples, worker.said)) == []
        assert handled > 0
        assert left > 0
