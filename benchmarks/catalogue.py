"""What is measured, of whom, and where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Way = Literal["run", "pair", "feed", "drain", "pace", "stock", "group", "told"]

US = "microagent"
DRIVER = "the driver"
CAREFUL = "a careful loop"
OLD = "microagent 1.9"

SERVERS = {
    "redis": "Redis",
    "amqp": "RabbitMQ",
    "kafka": "Kafka",
    "local": "embedded",
    "memory": "memory",
    "none": "no server",
}
FORGETS = "loses what it holds in a crash"
VOLATILE = "its queues and messages end with the server, and sends are not confirmed"


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    :ivar name: as ``worker.py`` knows it
    :ivar figure: which of its figures is compared
    :ivar more: whether more of it is better
    :ivar way: how it is driven: see ``driving.py``
    :ivar feeder: what the other process of a pair does
    :ivar beside: patterns that somebody else subscribes to meanwhile, on Redis
    """

    name: str
    title: str
    figure: str = "rate"
    unit: str = "messages/s"
    more: bool = True
    way: Way = "run"
    feeder: str = ""
    beside: int = 0

    @property
    def kind(self) -> str:
        """``signals``, ``calls`` or ``queues``."""
        return self.name.partition(".")[0]


SCENARIOS = (
    Scenario("signals.alone", "send a signal, one at a time"),
    Scenario("signals.together", "send a signal, 40 at once"),
    Scenario("signals.receive", "receive a signal", "cpu", "us of CPU", more=False, way="feed"),
    Scenario("signals.single", "with one, beside 999 patterns", "cpu", "us of CPU", more=False, way="feed", beside=999),
    Scenario("signals.thousand", "with 1,000 receivers in one agent", "cpu", "us of CPU", more=False, way="feed"),
    Scenario("signals.deliver", "send and receive, 40 at once"),
    Scenario("signals.latency", "a signal's way, at 1,000/s", "p50", "us", more=False, way="pace", feeder="publish"),
    Scenario("calls.alone", "call, one at a time", "p50", "us", more=False, way="pair", feeder="answer"),
    Scenario("calls.together", "call, 40 at once", unit="calls/s", way="pair", feeder="answer"),
    Scenario("queues.alone", "send a message, one at a time"),
    Scenario("queues.together", "send a message, 40 at once"),
    Scenario("queues.drain", "consume a backlog", way="drain"),
    Scenario("queues.sleep", "handlers of 10 ms, 100 at once", "share", "% of the ideal", way="drain"),
    Scenario("queues.latency", "a message's way, at 1,000/s", "p50", "us", more=False, way="pace", feeder="enqueue"),
    Scenario("queues.million", "consume with 1,000,000 waiting", way="stock"),
    Scenario("queues.memory", "and how the process grows", "grown", "MB", more=False, way="told"),
    Scenario("group.start", "start 20 agents", "start", "s", more=False, way="group"),
    Scenario("group.idle", "and let them be idle", "idle", "% of a core", more=False, way="told"),
    Scenario("group.memory", "and their memory", "memory", "MB", more=False, way="told"),
    Scenario("decode", "decode and check a payload", "cpu", "us of CPU", more=False),
)


@dataclass(frozen=True, slots=True)
class Use:
    """
    A library on one server.

    :ivar adapter: a module of ``peers/``
    :ivar kinds: what it has
    :ivar replays: whether its messages are so plain that copies of one can be pushed to its list
    :ivar backlog: messages that it drains, at most
    :ivar dsn: instead of the server's
    :ivar less: what its queues do not promise though ours do
    """

    adapter: str
    kinds: str = "signals calls queues group"
    replays: bool = False
    backlog: int = 3_000
    dsn: str = ""
    less: str = ""


@dataclass(frozen=True, slots=True)
class Library:
    """
    :ivar packages: as pip takes them, for an environment of its own; none: this one
    :ivar uses: by server
    """

    name: str
    packages: tuple[str, ...]
    uses: Mapping[str, Use] = field(default_factory=dict[str, Use])


LIBRARIES = (
    Library(
        US,
        (),
        {
            "redis": Use("ours", replays=True, backlog=20_000),
            "amqp": Use("ours", "queues", backlog=4_000),
            "kafka": Use("ours", "queues", backlog=20_000),
            "local": Use("ours", backlog=10_000),
            "memory": Use("memory", "signals queues", backlog=20_000),
            "none": Use("ours", "decode", dsn="memory://"),
        },
    ),
    Library(
        DRIVER,
        ("redis[hiredis]==8.1.0", "aiormq==7.2.4", "aiokafka==0.14.0"),
        {
            "redis": Use("driver_redis", "signals queues", replays=True, backlog=20_000, less=FORGETS),
            "amqp": Use("driver_amqp", "queues", backlog=4_000),
            "kafka": Use("driver_kafka", "queues", backlog=20_000),
        },
    ),
    Library(
        CAREFUL,
        ("redis[hiredis]==8.1.0", "aiormq==7.2.4", "aiokafka==0.14.0"),
        {"kafka": Use("driver_kafka_careful", "queues", backlog=20_000)},
    ),
    Library(
        OLD,
        ("microagent[amqp,redis]==1.9.0",),
        {
            "redis": Use("old", replays=True, backlog=20_000, less=FORGETS),
            "amqp": Use("old", "queues", backlog=2_000, less=VOLATILE),
        },
    ),
    Library(
        "faststream",
        ("faststream[redis,rabbit,kafka]==0.7.8", "redis[hiredis]==8.1.0"),
        {
            "redis": Use("faststream_redis", "signals calls queues", replays=True, backlog=20_000, less=FORGETS),
            "amqp": Use("faststream_amqp", "queues", backlog=2_000),
            "kafka": Use("faststream_kafka", "queues", backlog=2_000),
        },
    ),
    Library(
        "taskiq",
        ("taskiq==0.13.0", "taskiq-redis==1.2.4", "redis[hiredis]==8.1.0"),
        {"redis": Use("taskiq_redis_streams", "queues", backlog=2_000)},
    ),
    Library("arq", ("arq==0.28.0",), {"redis": Use("arq_redis", "queues", backlog=1_000)}),
    Library("huey", ("huey==3.5.4",), {"local": Use("huey_sqlite", "queues", less=FORGETS)}),
    Library("json, isinstance", (), {"none": Use("checks", "decode", dsn="by-hand")}),
    Library("jsonschema", ("jsonschema==4.26.0",), {"none": Use("checks", "decode", dsn="jsonschema")}),
    Library("pydantic", ("pydantic==2.14.4",), {"none": Use("checks", "decode", dsn="pydantic")}),
)

NOT_HERE = {  # scenarios that need two processes
    "memory": frozenset({"signals.receive", "signals.latency", "queues.latency", "queues.sleep", "queues.million"})
    | {"signals.single", "signals.thousand"},
    "local": frozenset({"signals.single"}),  # as signals.receive: nobody pays for patterns of others
    "amqp": frozenset({"queues.million"}),
    "kafka": frozenset({"queues.million"}),
}
NOT_OF = {  # and those that a library is not made for
    "huey": frozenset(
        {"queues.sleep", "queues.latency", "queues.million"}
    ),  # a handler that sleeps stops its only thread
    "arq": frozenset({"queues.latency", "queues.million"}),  # it looks for jobs twice a second
    "taskiq": frozenset({"queues.latency", "queues.million"}),  # it stands still at 1,000 a second
    "faststream": frozenset({"signals.single", "signals.thousand"}),
    OLD: frozenset({"signals.single", "signals.thousand"}),
    CAREFUL: frozenset({"queues.alone", "queues.together", "queues.latency"}),  # there it is the driver
    DRIVER: frozenset({"queues.sleep", "queues.million", "signals.single", "signals.thousand"}),  # it runs no handlers
}


def measured(server: str, scenario: Scenario) -> list[tuple[Library, Use]]:
    """Who takes part; nobody in what another scenario tells."""
    if scenario.way == "told" or scenario.name in NOT_HERE.get(server, ()):
        return []
    return [
        (library, library.uses[server])
        for library in LIBRARIES
        if server in library.uses
        and scenario.kind in library.uses[server].kinds.split()
        and scenario.name not in NOT_OF.get(library.name, ())
    ]


def less(server: str, scenario: str, peer: str) -> str:
    """What the peer does not promise in a scenario, though we do."""
    if not scenario.startswith("queues."):
        return ""
    return next((library.uses[server].less for library in LIBRARIES if library.name == peer), "")
