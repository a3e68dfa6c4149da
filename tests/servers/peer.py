"""microagent 1.9 in an environment of its own, to talk to."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from servers.programs import environment, unavailable

RELEASE = "microagent[amqp,redis]==1.9.0"


class Peer:
    """
    A process that runs a script with 1.9.

    :param arguments: what the script finds in ``sys.argv``
    """

    def __init__(self, python: str, script: str, arguments: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            (python, "-I", "-u", "-c", script, *arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def await_line(self, beginning: str) -> str:
        """The next line that it prints with this beginning; all else, its log too, is passed over."""
        assert self._process.stdout is not None
        passed: list[str] = []
        for line in self._process.stdout:
            if line.startswith(beginning):
                return line.strip()
            passed.append(line)
        raise AssertionError(f"the peer ended without a line {beginning!r}:\n{''.join(passed)}")

    def end(self) -> None:
        assert self._process.stdout is not None
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()


@contextmanager
def peer(python: str, script: str, *arguments: str) -> Iterator[Peer]:
    """A peer as long as the block runs."""
    running = Peer(python, script, arguments)
    try:
        yield running
    finally:
        running.end()


@pytest.fixture(scope="session")
def peer_python() -> str:
    """The interpreter of an environment with 1.9."""
    return environment(RELEASE) or unavailable(f"{RELEASE} cannot be installed")
