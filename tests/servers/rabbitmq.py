"""RabbitMQ: given by ``MICROAGENT_TEST_AMQP``, or started here."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from secrecy import PASSWORD, WRITTEN

from servers import Server, free_port
from servers.programs import first, from_apt, on_machine

PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # what is in /usr/sbin changes the user, and logs to /var
CONTROL = "/usr/lib/rabbitmq/bin/rabbitmqctl"
FLAGS = "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
CONFIGURATION = """\
listeners.tcp.default = 127.0.0.1:{port}
log.console = true
log.console.level = warning
log.file = false
disk_free_limit.absolute = 50MB
"""


class RabbitMQServer(Server):
    """
    One node, with a port mapper of its own: the one that Erlang would start outlives every node.

    :param settings: more lines for its configuration; ``{port}`` is the port
    """

    def __init__(self, folder: Path, program: str, settings: str = "") -> None:
        super().__init__(folder)
        self._program = program
        self._mapper_port = free_port()
        self._node_port = free_port()
        self._mapper: subprocess.Popen[bytes] | None = None
        (folder / "environment.conf").touch()
        (folder / "enabled_plugins").write_text("[].")
        (folder / "rabbitmq.conf").write_text((CONFIGURATION + settings).format(port=self.port))

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def command(self) -> Sequence[str]:
        return (self._program,)

    def environment(self) -> Mapping[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "environment.conf"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": FLAGS,
        }

    def answers(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            connection.sendall(b"AMQP\0\0\x09\x01")
            return connection.recv(1) == b"\x01"

    def start(self) -> None:
        if self._mapper is None:
            command = ("epmd", "-port", str(self._mapper_port), "-address", "127.0.0.1")
            self._mapper = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        super().start()

    def kill(self) -> None:
        super().kill()
        self._end_mapper()

    def stop(self) -> None:
        super().stop()
        self._end_mapper()

    def _end_mapper(self) -> None:
        if self._mapper is not None:
            self._mapper.send_signal(signal.SIGTERM)
            self._mapper.wait()
            self._mapper = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """As long as the block runs, it keeps its connections and does nothing."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._process.pid, signal.SIGCONT)

    def control(self, *arguments: str) -> str:
        """What ``rabbitmqctl`` says."""
        command = (CONTROL, "--quiet", *arguments)
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=True)
        return done.stdout

    def clients(self) -> int:
        """Connections to it, as it knows them."""
        return len(self.control("list_connections", "pid").split())


@pytest.fixture(scope="session")
def rabbitmq_program() -> str:
    """The server's program."""
    return first("RabbitMQ", partial(on_machine, PROGRAM), partial(from_apt, "rabbitmq-server", PROGRAM))


@pytest.fixture(scope="session")
def rabbitmq_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DSN of the RabbitMQ that all tests share."""
    given = os.environ.get("MICROAGENT_TEST_AMQP")
    if given:
        yield given
        return
    folder, program = tmp_path_factory.mktemp("rabbitmq"), request.getfixturevalue("rabbitmq_program")
    with RabbitMQServer(folder, program, f"default_pass = {PASSWORD}\n") as server:
        yield server.url.replace(":guest@", f":{WRITTEN}@")


@pytest.fixture(scope="module")
def rabbitmq_server(rabbitmq_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQServer]:
    """A running RabbitMQ of the module's own, which its tests may stop, kill and start again."""
    with RabbitMQServer(tmp_path_factory.mktemp("rabbitmq"), rabbitmq_program) as server:
        yield server
