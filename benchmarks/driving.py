"""Running one scenario of one peer, in processes that stay for the next."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

from redis import Redis

from benchmarks.catalogue import Scenario, Use

WORKER = Path(__file__).with_name("worker.py")
PACED = 1000  # signals or messages of which the latency is taken
SLEEPERS = 1000  # messages for handlers that sleep
VERY_MANY = 1_000_000  # messages that wait
CHUNK = 200  # copies that are pushed in one go
PATIENCE = 30.0  # seconds for one answer of a process


class Stuck(Exception):
    """A peer does not answer, or fails."""


class Process:
    """
    One ``worker.py``.

    :param path: where else its interpreter finds modules
    """

    def __init__(self, python: str, adapter: str, dsn: str, uvloop: bool, log: Path, *, path: str) -> None:
        options = ("--uvloop",) if uvloop else ()
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                (python, str(WORKER), adapter, dsn, *options),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                env={**os.environ, "PYTHONPATH": path},
            )

    def order(self, scenario: str, **how: Any) -> None:
        self._write(json.dumps({"scenario": scenario, **how}))

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # the answer tells
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def answer(self) -> Any:
        """
        The next thing that it says.

        :raises Stuck: if it says nothing
        """
        assert self._process.stdout is not None
        said: list[str] = []
        output = self._process.stdout
        reading = Thread(target=lambda: said.append(output.readline()), daemon=True)
        reading.start()
        reading.join(PATIENCE)
        if not said or not said[0]:
            self.end()
            raise Stuck(f"no answer; see {self._log}")
        return json.loads(said[0])

    def ask(self, scenario: str, **how: Any) -> Any:
        self.order(scenario, **how)
        return self.answer()

    def release(self) -> None:
        """Let it go on that answers until it is told."""
        self._write("")
        self.answer()

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()  # the end of its work; a traceback is written to its end
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


class Crew:
    """The two processes of one peer on one server: the one that is measured, and the one at the other end."""

    def __init__(self, start: Callable[[], Process], use: Use, redis: str | None) -> None:
        self._start = start
        self._use = use
        self._redis = redis
        self._processes: list[Process] = []

    def run(self, scenario: Scenario, tag: str, seconds: float) -> dict[str, float]:
        """
        The figures of one round.

        :raises Stuck: if the peer cannot do it
        """
        way: Callable[[Scenario, str, float], dict[str, float]] = getattr(self, f"_{scenario.way}")
        try:
            return way(scenario, tag, seconds)
        except Stuck:
            self.end()
            raise

    def _process(self, number: int) -> Process:
        while len(self._processes) <= number:
            self._processes.append(self._start())
        return self._processes[number]

    def _run(self, scenario: Scenario, tag: str, seconds: float) -> dict[str, float]:
        return self._process(0).ask(scenario.name, tag=tag, seconds=seconds)

    def _pair(self, scenario: Scenario, tag: str, seconds: float) -> dict[str, float]:
        other = self._process(1)
        other.order(scenario.feeder, tag=tag)
        other.answer()
        result = self._process(0).ask(scenario.name, tag=tag, seconds=seconds)
        other.release()
        return result

    def _pace(self, scenario: Scenario, tag: str, seconds: float) -> dict[str, float]:
        measured, other = self._process(0), self._process(1)
        measured.order(scenario.name, tag=tag, count=PACED)
        measured.answer()
        other.ask(f"pace.{scenario.feeder}", tag=tag, count=PACED)
        return measured.answer()

    def _feed(self, scenario: Scenario, tag: str, seconds: float) -> dict[str, float]:
        measured, other = self._process(0), self._process(1)
        copies = None if self._redis is None else list(self._seen(tag))
        measured.order(scenario.name, tag=tag, count=self._use.backlog, seconds=seconds)
        measured.answer()
        if copies is None:
            other.ask("signals.together", tag=tag, seconds=2 * seconds)
        else:
            self._repeat(*copies, scenario.beside)
        return measured.answer()

    def _seen(self, tag: str) -> Iterator[bytes]:
        """Channel and body of one signal of the peer, as they are on Redis."""
        assert self._redis is not None
        with Redis.from_url(self._redis) as redis, redis.pubsub() as watching:
            watching.psubscribe("*")
            watching.get_message(timeout=5)
            self._process(1).ask("publish", tag=tag)
            until = time.monotonic() + 5
            while time.monotonic() < until:
                message = watching.get_message(ignore_subscribe_messages=True, timeout=1)
                if message is not None and tag.encode() in message["channel"]:
                    yield from (message["channel"], message["data"])
                    return
        raise Stuck("its signal is not seen on Redis")

    def _repeat(self, channel: bytes, body: bytes, beside: int) -> None:
        assert self._redis is not None
        with Redis.from_url(self._redis) as redis, redis.pubsub() as others:
            if beside:
                prefix, signal, _ = channel.decode().split(":")
                others.psubscribe(*(f"{prefix}:{signal}_{number}:*" for number in range(beside)))
                others.get_message(timeout=5)
            for _ in range(self._use.backlog // CHUNK):
                with redis.pipeline(transaction=False) as pipeline:
                    for _ in range(CHUNK):
                        pipeline.publish(channel, body)
                    pipeline.execute()

    def _drain(self, scenario: Scenario, tag: str, seconds: float) -> dict[str, float]:
        sleep = scenario.name == "queues.sleep"
        count = min(self._use.backlog, SLEEPERS) if sleep else self._use.backlog
        if self._use.adapter != "memory":
            self._fill(tag, count)
        limit = 3600.0 if sleep else seconds
        result: dict[str, float] = self._process(0).ask(scenario.name, tag=tag, count=count, seconds=limit)
        if self._redis is not None:
            with Redis.from_url(self._redis) as redis:
                redis.flushall()
        return result

    def _stock(self, scenario: Scenario, tag: str, seconds: float) -> dict[str, float]:
        """With very many messages, of which some are consumed."""
        if self._redis is None:
            self._process(1).ask("stock", tag=tag, count=VERY_MANY)
        else:
            self._fill(tag, VERY_MANY)
        count = self._use.backlog
        result: dict[str, float] = self._process(0).ask(scenario.name, tag=tag, count=count, seconds=seconds)
        if self._redis is not None:
            with Redis.from_url(self._redis) as redis:
                redis.flushall()
        return result

    def _fill(self, tag: str, count: int) -> None:
        if not self._use.replays or self._redis is None:
            self._process(1).ask("fill", tag=tag, count=count)
            return
        self._process(1).ask("fill", tag=tag, count=1)
        with Redis.from_url(self._redis) as redis:
            (name,) = (key for key in redis.keys(f"*{tag}*") if redis.type(key) == b"list")
            body = redis.lindex(name, 0)
            for _ in range(count // CHUNK):
                redis.rpush(name, *[body] * CHUNK)

    def end(self) -> None:
        while self._processes:
            self._processes.pop().end()


@contextmanager
def crews(members: list[tuple[str, Use, Callable[[], Process]]], redis: str | None) -> Iterator[dict[str, Crew]]:
    """By the name of the library; their processes end with the block."""
    with ExitStack() as stack:
        made = {name: Crew(start, use, redis) for name, use, start in members}
        for crew in made.values():
            stack.callback(crew.end)
        yield made
