"""A group of agents under marun, seen from outside: its processes, its output, its exit status."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

PATIENCE = 30.0


def until(condition: Callable[[], object], what: str, timeout: float = PATIENCE) -> None:
    """Return when ``condition()`` is true; fail the test when it is not within ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def write(folder: Path, **modules: str) -> None:
    """Write modules of these names; each into its own file."""
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(dedent(text))


class Group:
    """A running ``marun``."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: Path) -> None:
        self.process = process
        self._output = output

    @property
    def output(self) -> str:
        """What marun and its agents have written so far."""
        return self._output.read_text()

    @property
    def pids(self) -> list[int]:
        """The processes of its agents, in the order of their start."""
        return [int(pid) for pid in re.findall(r"started, pid (\d+)", self.output)]

    def says(self, text: str, times: int = 1) -> None:
        """Return when ``text`` was written ``times``."""
        until(lambda: self.output.count(text) >= times or self._is_over(), f"{text!r} in:\n{self.output}")
        assert self.output.count(text) >= times, f"{text!r} in:\n{self.output}"

    def _is_over(self) -> bool:
        return self.process.poll() is not None

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ends(self, timeout: float = PATIENCE) -> int:
        """Its exit status; no process of it is left."""
        status = self.process.wait(timeout)
        assert [pid for pid in self.pids if is_running(pid)] == []
        return status


@contextmanager
def marun(folder: Path, *arguments: str, **environment: str) -> Iterator[Group]:
    """``marun`` with these arguments, in ``folder``, as the leader of its own process group."""
    output = folder / "output"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("marun"), *arguments],
            cwd=folder,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **environment},
        )
    group = Group(process, output)
    try:
        yield group
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for pid in filter(is_running, group.pids):
            os.kill(pid, signal.SIGKILL)
