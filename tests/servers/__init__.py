"""Real servers for tests: each on a free port of the loopback, with a folder of its own, stopped by its process id."""

import abc
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

PATIENCE = 60.0  # seconds for a server to begin or to end
LOG_TAIL = 2000  # characters of its log in the error of one that does not start


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server(abc.ABC):
    """
    A server that a test may start, stop, kill and start again; its port and its data stay the same.

    As a context manager it runs while the block does. Every method blocks until it is so.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abc.abstractmethod
    def url(self) -> str:
        """The DSN of this server."""

    @abc.abstractmethod
    def command(self) -> Sequence[str]:
        """What to execute; it stays in the foreground."""

    @abc.abstractmethod
    def answers(self) -> bool:
        """Whether it is ready; a connection that is refused (OSError) says no."""

    @property
    def pid(self) -> int:
        """Of its process, while it runs."""
        assert self._process is not None, "it does not run"
        return self._process.pid

    def environment(self) -> Mapping[str, str]:
        """Of its process."""
        return os.environ

    @property
    def log(self) -> Path:
        """The file that its output goes to."""
        return self.folder / "server.log"

    def start(self) -> None:
        """Return when it answers."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                env=self.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # an interrupt of the tests is not one of the server; kill() reaches all of it
            )
        try:
            self._await_answer(self._process)
        except BaseException:
            self.kill()
            raise

    def _await_answer(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                tail = self.log.read_text(errors="replace")[-LOG_TAIL:]
                raise RuntimeError(f"{type(self).__name__} does not start:\n{tail}")
            time.sleep(0.005)

    def _is_ready(self) -> bool:
        try:
            return self.answers()
        except OSError:
            return False

    def stop(self) -> None:
        """End it as an operator would (SIGTERM)."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None

    def kill(self) -> None:
        """End it as a crash would (SIGKILL), its children too."""
        if self._process is not None:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(PATIENCE)
            self._process = None

    def restart(self) -> None:
        """Stop it, and start it again."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()
