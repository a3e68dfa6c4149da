"""Agents on ``local://``, each in a process of its own, seen from outside."""

import asyncio
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from support import until

AGENT = """
import asyncio, hashlib, os, signal, sys
from microagent import MicroAgent, Queue, Signal, consumer, receiver
from microagent.tools.local import LocalBroker, LocalSignalBus

queue, event = Queue(sys.argv[2]), Signal(sys.argv[2], ["body"])

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

{agent}

stopping = asyncio.Event()

async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    agent = Agent(bus=LocalSignalBus(sys.argv[1]), broker=LocalBroker(sys.argv[1], lease=float(sys.argv[3])))
    await agent.start()
    say("ready")
    await stopping.wait()
    await agent.stop()
    say("stopped")

asyncio.run(main())
"""


class Process:
    """An agent in a process of its own, and what it says."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: Path) -> None:
        self.process = process
        self._output = output

    def said(self, word: str) -> list[list[str]]:
        """What it has said beginning with ``word``, the rest of each line."""
        lines = [line.split() for line in self._output.read_text().splitlines()]
        return [rest for first, *rest in lines if first == word]

    def numbers(self) -> list[int]:
        """Those of the messages that it has handled."""
        return [int(number) for number, *_ in self.said("handled")]


class Processes:
    """
    Starts agents that meet in one folder.

    :param output: a folder for what they say
    :param name: of the queue ``queue`` and of the signal ``event`` in their source
    """

    def __init__(self, output: Path, dsn: str, name: str) -> None:
        self._output = output
        self._dsn = dsn
        self._name = name
        self._started: list[Process] = []

    async def __call__(self, agent: str, *, lease: float = 30.0) -> Process:
        """An agent whose class is ``agent``; returns when it is ready."""
        output = self._output / f"output{len(self._started)}"
        command = [sys.executable, "-c", AGENT.format(agent=dedent(agent)), self._dsn, self._name, str(lease)]
        with output.open("wb") as sink:
            child = subprocess.Popen(command, stdout=sink)  # noqa: ASYNC220 - it takes a moment
        started = Process(child, output)
        self._started.append(started)
        await until(lambda: started.said("ready") or child.poll() is not None, patience=60)
        assert child.poll() is None
        return started

    async def end(self) -> None:
        """Kill all of them."""
        for each in self._started:
            each.process.kill()
            await asyncio.to_thread(each.process.wait)
