"""Calls to processes that end before they answer."""

import asyncio
import os
import signal as signals
import subprocess
import sys
from pathlib import Path

import pytest
from support import until

from microagent import NoReceivers, Signal
from microagent.backends import make_bus

DEAF = """
import asyncio, sys
from microagent import MicroAgent, Signal, receiver
from microagent.backends import make_bus

class Deaf(MicroAgent):
    @receiver(Signal("asked_of_the_deaf"))
    async def ignore(self, **kwargs):
        print("asked", flush=True)
        await asyncio.Event().wait()

async def main():
    await Deaf(bus=make_bus({"dsn": sys.argv[1]})).start()
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def begin(dsn: str, output: Path) -> "subprocess.Popen[bytes]":
    """A process that hears calls on the bus at ``dsn``."""
    with output.open("wb") as sink:
        return subprocess.Popen([sys.executable, "-c", DEAF, dsn], stdout=sink)


@pytest.fixture(params=["local", "redis"])
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"local://{tmp_path}/bus" if request.param == "local" else request.getfixturevalue("redis_url")


async def test_process_that_is_killed_in_between_is_a_timeout(dsn: str, tmp_path: Path) -> None:
    """
    Its caller learns so when the time is over, and nothing is left of the call; the next one finds nobody, at once.
    """
    output = tmp_path / "output"
    process = begin(dsn, output)
    try:
        await until(lambda: "ready" in output.read_text(), patience=60)
        Signal("asked_of_the_deaf")
        async with make_bus({"dsn": dsn}) as bus:
            call = asyncio.create_task(bus.asked_of_the_deaf.call("x", timeout=1))
            await until(lambda: "asked" in output.read_text())
            os.kill(process.pid, signals.SIGKILL)
            with pytest.raises(TimeoutError):
                await call
            assert len(bus._calls) == 0
            with pytest.raises(NoReceivers):
                await asyncio.wait_for(bus.asked_of_the_deaf.call("x", timeout=60), 20)
    finally:
        process.kill()
        process.wait()
