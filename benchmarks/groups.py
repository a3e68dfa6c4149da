"""Twenty agents started by ``marun``: how soon all of them are there, and what they take while nothing happens."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

AGENTS = 20
IDLE = 2.0  # seconds that are watched
PATIENCE = 60.0
AGENT = """\
import os
from microagent import MicroAgent, Queue, Signal, consumer, on, receiver

class Agent(MicroAgent):
    @on("post_start")
    def tell(self):
        open(os.path.join({folder!r}, f"ready-{{os.getpid()}}"), "w").close()

    @receiver(Signal(name="{tag}_heard", providing_args=["n"]))
    async def hear(self, **kwargs):
        pass

    @consumer(queue=Queue(name="{tag}_work"))
    async def work(self, **kwargs):
        pass
"""
SETTINGS = """\
BUS = {{"all": {{"backend": "microagent.tools.{module}.{bus}", "dsn": {dsn!r}}}}}
BROKER = {{"all": {{"backend": "microagent.tools.{module}.{broker}", "dsn": {dsn!r}}}}}
AGENT = {{f"agent_{{n}}": {{"backend": "agents.Agent", "bus": "all", "broker": "all"}} for n in range({count})}}
"""
BACKENDS = {"redis": ("redis", "RedisSignalBus", "RedisBroker"), "local": ("local", "LocalSignalBus", "LocalBroker")}


def measure(python: str, server: str, dsn: str, folder: Path, tag: str) -> dict[str, float]:
    """
    Seconds until all are started; percent of a core, and MB of all processes together, while they are idle.

    :raises TimeoutError: if they do not start
    """
    place = folder / f"group-{tag}"
    place.mkdir()
    module, bus, broker = BACKENDS[server]
    (place / "agents.py").write_text(AGENT.format(folder=str(place), tag=tag))
    settings = SETTINGS.format(module=module, bus=bus, broker=broker, dsn=dsn, count=AGENTS)
    (place / "settings.py").write_text(settings)
    marun = str(Path(python).with_name("marun"))
    environment = {**os.environ, "PYTHONPATH": str(place)}
    began = time.perf_counter()
    with (place / "log").open("wb") as log:
        group = subprocess.Popen(
            (marun, "settings"), cwd=place, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _await_all(place)
        started = time.perf_counter() - began
        time.sleep(1)  # what a start leaves to do is done
        before = sum(map(_cpu, _session(group.pid)))
        time.sleep(IDLE)
        processes = list(_session(group.pid))
        idle = (sum(map(_cpu, processes)) - before) / IDLE * 100
        return {"start": started, "idle": idle, "memory": sum(map(_memory, processes))}
    finally:
        group.terminate()
        group.wait(PATIENCE)


def _await_all(place: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while len(list(place.glob("ready-*"))) < AGENTS:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the group does not start; see {place}")
        time.sleep(0.01)


def _session(leader: int) -> Iterator[Path]:
    """The processes of a session, as folders of /proc."""
    for process in Path("/proc").glob("[0-9]*"):
        if (fields := _stat(process)) and int(fields[3]) == leader:
            yield process


def _stat(process: Path) -> list[str]:
    """From the state on, see proc(5); nothing if it has ended."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _cpu(process: Path) -> float:
    """Seconds that it ran."""
    fields = _stat(process)
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _memory(process: Path) -> float:
    """MB that are its own, and its part of what is shared."""
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
