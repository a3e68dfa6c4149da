"""
Apache Kafka: given by ``MICROAGENT_TEST_KAFKA``, or started here from the jars of Maven Central.

Where neither can be had, a stand-in takes its place for what it can do; ``MICROAGENT_TEST_KAFKA_STANDIN=1`` makes it do
so in any case.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from secrecy import PASSWORD, WRITTEN

from servers import Server, free_port
from servers.kafka_standin import LACKS, KafkaStandIn, stand_in_program
from servers.programs import CACHE, on_machine, one_at_a_time

VERSION = "4.1.1"
LOGGING = "2.24.3"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
PASSWORDS = "".join(
    f"""
listener.name.{listener}.sasl.enabled.mechanisms=PLAIN
listener.name.{listener}.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_app="{PASSWORD}";
"""
    for listener in ("client", "detour")
)
MAVEN_PATIENCE = 600  # seconds for 43 MB
SMALL = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
CLUSTER = "MkU3OEVBNTcwNTJENDM2Qk"
ESTABLISHED = "01"  # as the kernel lists it
STARTED = b"Kafka Server started"
STAND_IN, STAND_IN_RAN = pytest.StashKey[bool](), "kafka_stand_in"

PROJECT = """\
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>tests</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>{dependencies}</dependencies></project>
"""
DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
DEPENDENCIES = (  # the server's own dependencies do not name a logger
    ("org.apache.kafka", "kafka_2.13", VERSION),
    ("org.apache.logging.log4j", "log4j-slf4j-impl", LOGGING),
    ("org.apache.logging.log4j", "log4j-core", LOGGING),
    ("org.apache.logging.log4j", "log4j-1.2-api", LOGGING),
)
LOG_SETTINGS = """\
rootLogger.level=warn
rootLogger.appenderRef.c.ref=C
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
appender.c.type=Console
appender.c.name=C
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=[%d] %p %m (%c)%n
"""
SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=CLIENT://127.0.0.1:{port},INTERNAL://127.0.0.1:{internal_port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=CLIENT://127.0.0.1:{port},INTERNAL://127.0.0.1:{internal_port}
inter.broker.listener.name=INTERNAL
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,CLIENT:{protocol}
log.dirs={folder}/data
num.partitions=1
num.network.threads=2
num.io.threads=2
background.threads=2
message.max.bytes=10000000
log.cleaner.dedupe.buffer.size=10485760
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.coordinator.append.linger.ms=0
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=1000
controlled.shutdown.enable=false
auto.create.topics.enable=false
"""
DETOUR = """\
listeners=CLIENT://127.0.0.1:{port},DETOUR://127.0.0.1:{detour_port},\
INTERNAL://127.0.0.1:{internal_port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=CLIENT://127.0.0.1:{port},DETOUR://127.0.0.1:{entrance},INTERNAL://127.0.0.1:{internal_port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,CLIENT:{protocol},DETOUR:{protocol}
"""


class KafkaServer(Server):
    """
    One node, broker and controller in one; what it stored is there after ``kill``.

    With a detour, who comes by way of ``detour_port`` is told to come back by way of ``entrance``, where a proxy may
    stand: clients go where a Kafka says it is.

    :param jars: the folder of its program
    :param protocol: of its clients
    :param settings: more lines for its configuration
    :param users: for SCRAM, ``SCRAM-SHA-256=[name=app,password=secret]``
    """

    def __init__(
        self,
        folder: Path,
        jars: Path,
        protocol: str = "PLAINTEXT",
        settings: str = "",
        users: Sequence[str] = (),
        *,
        detour: bool = False,
    ) -> None:
        super().__init__(folder)
        self._jars = jars
        self._users = [part for user in users for part in ("--add-scram", user)]
        self._begun = 0
        self.detour_port, self.entrance = free_port(), free_port()
        ports = {
            "port": self.port,
            "controller_port": free_port(),
            "internal_port": free_port(),
            "detour_port": self.detour_port,
            "entrance": self.entrance,
        }
        lines = SETTINGS + (DETOUR if detour else "")  # the last line of a name counts
        self._settings = folder / "server.properties"
        self._settings.write_text(lines.format(folder=folder, protocol=protocol, **ports) + settings)
        (folder / "log4j2.properties").write_text(LOG_SETTINGS)

    @property
    def url(self) -> str:
        return f"kafka://127.0.0.1:{self.port}"

    def _java(self, heap: str, *arguments: str) -> Sequence[str]:
        log = f"-Dlog4j2.configurationFile={self.folder}/log4j2.properties"
        return ("java", heap, *SMALL, log, "-cp", f"{self._jars}/*", *arguments)

    def command(self) -> Sequence[str]:
        return self._java("-Xmx512m", "kafka.Kafka", str(self._settings))

    def start(self) -> None:
        if not (self.folder / "data").exists():
            tool = ("kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(self._settings), *self._users)
            subprocess.run(self._java("-Xmx256m", *tool), capture_output=True, check=True)
        self._begun = self.log.stat().st_size if self.log.exists() else 0
        super().start()

    def clients(self) -> int:
        """Connections to it, from this machine."""
        listed = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
        ends = [line.split()[1:4] for line in listed.splitlines()]
        return sum(1 for end in ends if end[1].endswith(f":{self.port:04X}") and end[2] == ESTABLISHED)

    def answers(self) -> bool:
        """It listens before it knows anything, so it is its log that tells."""
        return STARTED in self.log.read_bytes()[self._begun :]


@one_at_a_time
def from_maven() -> Path | None:
    """The folder of the server's jars, fetched once."""
    folder = CACHE / f"kafka-{VERSION}"
    jars = folder / "libs"
    if jars.is_dir():
        return jars
    if on_machine("mvn") is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    dependencies = "".join(DEPENDENCY.format(*each) for each in DEPENDENCIES)
    (folder / "pom.xml").write_text(PROJECT.format(dependencies=dependencies))
    fetched = folder / "fetched"
    command = ("mvn", "-B", "-q", "-f", str(folder / "pom.xml"), PLUGIN, "-DincludeScope=runtime")
    done = subprocess.run((*command, f"-DoutputDirectory={fetched}"), timeout=MAVEN_PATIENCE, check=False)
    if done.returncode != 0:
        return None
    fetched.rename(jars)
    return jars


@cache
def found_jars() -> Path | None:
    """The folder of the server's program, if there is to be a Kafka here."""
    forced = os.environ.get("MICROAGENT_TEST_KAFKA_STANDIN") == "1"
    return from_maven() if on_machine("java") and not forced else None


def needs_stand_in() -> bool:
    """Whether there is no Kafka, given or to be started."""
    return not os.environ.get("MICROAGENT_TEST_KAFKA") and found_jars() is None


@pytest.fixture(scope="session")
def kafka_jars() -> Path:
    """The folder of the server's program; without Java and Maven there is none."""
    jars = found_jars()
    if jars is None:
        pytest.skip("no Kafka: it takes Java and Maven (or MICROAGENT_TEST_KAFKA)")
    return jars


@pytest.fixture(scope="session")
def shared_kafka(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, KafkaServer | None]]:
    """
    The Kafka that all tests share, by its DSN, and the server if it is one of ours.

    One that is given has to take 10 MB messages and sessions of a second, as the settings above do.
    """
    given = os.environ.get("MICROAGENT_TEST_KAFKA")
    if given:
        yield given, None
        return
    folder = tmp_path_factory.mktemp("kafka")
    program = stand_in_program() if needs_stand_in() else None
    if program is not None:
        request.config.stash[STAND_IN] = True
        getattr(request.config, "workeroutput", {})[STAND_IN_RAN] = True  # where tests run in several processes
        with KafkaStandIn(folder, program) as stand_in:
            yield stand_in.url, None
        return
    jars = request.getfixturevalue("kafka_jars")
    with KafkaServer(folder, jars, "SASL_PLAINTEXT", PASSWORDS, detour=True) as server:
        yield server.url.replace("//", f"//app:{WRITTEN}@"), server


@pytest.fixture(scope="session")
def kafka_url(shared_kafka: tuple[str, KafkaServer | None]) -> str:
    """The DSN of the Kafka that all tests share."""
    return shared_kafka[0]


@pytest.fixture(scope="session")
def kafka_detour(shared_kafka: tuple[str, KafkaServer | None]) -> KafkaServer:
    """It, for those who come by way of a proxy."""
    if shared_kafka[1] is None:
        pytest.skip("a Kafka that is given tells its clients where it is, and not where a proxy stands")
    return shared_kafka[1]


@pytest.fixture(scope="session")
def kafka_lacks(request: pytest.FixtureRequest, kafka_url: str) -> frozenset[str]:
    """What the server that all tests share cannot do, though a Kafka can."""
    return LACKS if STAND_IN in request.config.stash else frozenset()


@pytest.fixture
def real_kafka(kafka_lacks: frozenset[str]) -> None:
    """For tests that a stand-in is not enough for."""
    if kafka_lacks:
        pytest.skip("a stand-in is not enough for this test")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Learn from a process that ran tests what it ran them on."""
    if getattr(node, "workeroutput", {}).get(STAND_IN_RAN):
        node.config.stash[STAND_IN] = True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say so when it was no Kafka."""
    if STAND_IN in config.stash:
        terminalreporter.section("Kafka")
        terminalreporter.line(f"Tests of Kafka ran on a stand-in, for want of one; not relied on: {', '.join(LACKS)}")


@pytest.fixture(scope="module")
def kafka_server(kafka_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A running Kafka of the module's own, which its tests may stop, kill and start again."""
    with KafkaServer(tmp_path_factory.mktemp("kafka"), kafka_jars) as server:
        yield server
