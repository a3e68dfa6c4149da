"""
Run the three agents with marun for about 15 seconds, and fail if anything that they send does not arrive.

Start it with ``python -m examples.demo``. It uses ``local://`` in a temporary folder; set MICROAGENT_BUS and
MICROAGENT_BROKER to use servers instead. The cron job of the user agent runs at each full minute, so the demo waits
until one falls into its run.
"""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from examples.contracts import Bus
from examples.journal import configure, note
from examples.settings import AGENT
from examples.tally import Tally
from microagent.backends import make_bus

SECONDS = 15.0
LEAD = 10.0  # seconds before the full minute at which the agents are started
SHORTEST_LEAD = 5.0  # seconds that a slow machine needs to start them
PATIENCE = 10.0  # seconds to wait for what has been sent

log = logging.getLogger("Demo")


class DemoError(Exception):
    """Something that the demo is meant to show did not happen."""


def main() -> int:
    """Run the demo and return its exit status."""
    with tempfile.TemporaryDirectory(prefix="microagent-demo-") as folder:
        dsns = {
            name: os.environ.get(name) or f"local://{folder}/local" for name in ("MICROAGENT_BUS", "MICROAGENT_BROKER")
        }
        journal = Path(folder, "journal")
        configure(str(journal))
        wait_for_minute()
        try:
            with marun({**dsns, "EXAMPLES_JOURNAL": str(journal)}) as group:
                watch(group, journal, dsns["MICROAGENT_BUS"])
        except DemoError as error:
            return finish(journal, f"The demo failed: {error}.", 1)
        return finish(journal, "All that was sent has arrived, and every call was answered.", 0)


def wait_for_minute() -> None:
    """Wait until the next full minute is close enough to fall into the run."""
    if seconds := delay(time.time()):
        print(
            f"Cron is due at full minutes: the agents start {LEAD:.0f} s before the next, in {seconds:.0f} s.",
            flush=True,
        )
        time.sleep(seconds)


def delay(now: float) -> float:
    """Seconds from a Unix time until a run that is started then includes a full minute."""
    left = 60 - now % 60
    return max(0.0, left - LEAD if left >= SHORTEST_LEAD else left + 60 - LEAD)


@contextmanager
def marun(environment: Mapping[str, str]) -> Generator["Group"]:
    """Run the agents; stop them at the end, and check that the stop is clean."""
    command = [str(Path(sys.executable).with_name("marun")), "examples.settings"]
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        yield Group(process)
        process.send_signal(signal.SIGTERM)
        if (status := process.wait()) != 0:
            raise DemoError(f"marun ended with status {status}")
    finally:
        process.kill()
        process.wait()


class Group:
    """The running agents."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def until(self, problems: Callable[[], list[str]], seconds: float) -> None:
        """
        Wait until there are no problems.

        :raises DemoError: if there are still some after ``seconds``, or if the agents have ended
        """
        deadline = time.monotonic() + seconds
        while found := problems():
            if (status := self._process.poll()) is not None:
                raise DemoError(f"marun ended with status {status}")
            if time.monotonic() > deadline:
                raise DemoError(", ".join(found))
            time.sleep(0.1)


def watch(group: Group, journal: Path, bus: str) -> None:
    """Wait until each flow was seen and everything has arrived."""
    end = time.monotonic() + SECONDS
    agents = {entry["backend"].rpartition(".")[2] for entry in AGENT.values()}
    group.until(lambda: [f"{name} did not start" for name in agents - read(journal).agents.keys()], PATIENCE)
    asyncio.run(create_user(bus))
    group.until(lambda: ["time"] if time.monotonic() < end else [], SECONDS + PATIENCE)
    group.until(lambda: read(journal).unseen(), PATIENCE)
    group.until(lambda: read(journal).missing(), PATIENCE)


async def create_user(dsn: str) -> None:
    """Send ``user_created``; any process can do this, not only an agent."""
    async with Bus(make_bus({"dsn": dsn})) as bus:
        await bus.user_created.send("demo", user_id=1)
        note(log, "sent", "signal", "user_created", {"user_id": 1})


def read(journal: Path) -> Tally:
    """Read what the agents have recorded so far; a line that is still being written is left for the next time."""
    lines, _, _ = journal.read_text().rpartition("\n")
    return Tally.of(map(json.loads, lines.splitlines()))


def finish(journal: Path, verdict: str, status: int) -> int:
    """Print the table and the verdict, and return the exit status."""
    print(f"\n{read(journal).table()}\n\n{verdict}", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
