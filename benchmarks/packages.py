"""What a generated package of 10 to 5,000 signals costs: to generate, to import, to check."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

SIZES = (10, 100, 1_000, 5_000)
PAYLOAD = {
    "properties": {
        "user_id": {"type": "integer"},
        "text": {"type": "string"},
        "meta": {"properties": {"ip": {"type": "string"}}, "required": ["ip"]},
    },
    "required": ["user_id"],
}
AGENT = """\
from contracts import Broker, Bus, signals

from microagent import MicroAgent, receiver


class Using(MicroAgent[Bus, Broker]):
    @receiver(signals.{last})
    async def handle(self, user_id: int, **kwargs: object) -> None:
        await self.bus.{last}.send("using", user_id=user_id, meta={{"ip": "::1"}})
        await self.bus.{last}.send("using", user_id="wrong")
"""
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
WRONG = "agent.py:10:"
IMPORT = "import microagent, time; start = time.process_time(); import contracts; print(time.process_time() - start)"


COLUMNS = ("generate", "import", "mypy", "mypy again", "pyright")


def rows(sizes: Sequence[int]) -> Iterator[tuple[str, dict[str, float]]]:
    """
    Print a row for each number of signals, and give it: seconds by column.

    :raises SystemExit: if a checker does not report the wrong call
    """
    print(f"{'signals':>8}" + "".join(f"{column:>12}" for column in COLUMNS) + "   seconds of CPU", flush=True)
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            seconds = dict(zip(COLUMNS, measured(Path(folder), size), strict=True))
        print(f"{size:>8}" + "".join(f"{value:>12.2f}" for value in seconds.values()), flush=True)
        yield str(size), {column: round(value, 2) for column, value in seconds.items()}


def measured(folder: Path, size: int) -> Iterator[float]:
    """Seconds to generate, to import, to check with mypy without and with its cache, and with pyright."""
    names = [f"signal_{number:05}" for number in range(size)]
    declared = {"signals": [{"name": name, "payload": PAYLOAD} for name in names]}
    (folder / "declared.json").write_text(json.dumps(declared))
    (folder / "agent.py").write_text(AGENT.format(last=names[-1]))
    (folder / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "standard", "include": ["."]}))
    yield generated(folder)
    yield imported(folder)
    for _ in range(2):
        yield checked(folder, "mypy", "--strict", "agent.py")
    yield checked(folder, "pyright", "--pythonpath", sys.executable, "agent.py")


def generated(folder: Path) -> float:
    """Seconds of a run of the command, which is compiled, as what is installed is."""
    runs: list[float] = []
    for _ in range(3):
        shutil.rmtree(folder / "contracts", ignore_errors=True)
        runs.append(timed(folder, "microagent_gen", "declared.json", "-o", "contracts")[0])
    return min(runs[1:])


def imported(folder: Path) -> float:
    """Seconds of an import that finds its bytecode."""
    command = [sys.executable, "-c", IMPORT]
    runs = [subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, check=True) for _ in range(4)]
    return min(float(run.stdout) for run in runs[1:])


def checked(folder: Path, *command: str) -> float:
    """Seconds of a checker that finds the one wrong call."""
    seconds, output = timed(folder, *command, status=1)
    if WRONG not in output or output.count("error:") != 1:
        sys.exit(f"{command[0]} does not report the wrong call, and nothing else:\n{output}")
    return seconds


def timed(folder: Path, *command: str, status: int = 0) -> tuple[float, str]:
    """The processor time that a module takes as a program, and what it prints."""
    before = _processor_time()
    program = [sys.executable, "-m", *command]
    done = subprocess.run(program, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode != status:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return _processor_time() - before, done.stdout


def _processor_time() -> float:
    """Of all programs that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
