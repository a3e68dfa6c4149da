"""The names that the documentation of 1.7.2 gives to users, where they are and what they take."""

import importlib
import inspect
import subprocess
import sys
from dataclasses import fields, is_dataclass

import pytest

import microagent

# Every name in the manual's index but those of the AMQP and Kafka backends, with the names of its parameters.
# "..." stands for parameters that only this version has; they are keywords.
MANUAL = {
    "microagent:MicroAgent": "bus broker log settings",
    "microagent:MicroAgent.start": "self enable_periodic_tasks enable_receiving_signals enable_consuming_messages "
    "enable_servers_running",
    "microagent:MicroAgent.bind_receivers": "self receivers",
    "microagent:MicroAgent.bind_consumers": "self consumers",
    "microagent:MicroAgent.info": "self",
    "microagent:receiver": "*signals timeout",
    "microagent:consumer": "queue timeout dto_class dto_name **options",
    "microagent:periodic": "period timeout start_after",
    "microagent:cron": "spec timeout ...",
    "microagent:on": "label",
    "microagent:load_signals": "source ...",
    "microagent:load_queues": "source ...",
    "microagent:load_stuff": "source ...",
    "microagent.agent:MicroAgent": "bus broker log settings",
    "microagent.bus:AbstractSignalBus": "dsn uid prefix log ...",
    "microagent.bus:AbstractSignalBus.send": "self channel message",
    "microagent.bus:AbstractSignalBus.bind": "self signal",
    "microagent.bus:AbstractSignalBus.bind_receiver": "self receiver",
    "microagent.bus:AbstractSignalBus.call": "self channel message timeout",
    "microagent.bus:AbstractSignalBus.receiver": "self channel message",
    "microagent.bus:BoundSignal": "bus signal",
    "microagent.bus:BoundSignal.send": "self sender **kwargs",
    "microagent.bus:BoundSignal.call": "self sender timeout **kwargs",
    "microagent.bus:BoundSignal.waiter": "self sender timeout **kwargs",
    "microagent.bus:Receiver": "agent handler signal timeout",
    "microagent.bus:Signal": "name providing_args type_map ...",
    "microagent.bus:Signal.get": "name",
    "microagent.bus:Signal.get_all": "",
    "microagent.bus:Signal.make_channel_name": "self channel_prefix sender",
    "microagent.bus:Signal.serialize": "self data",
    "microagent.bus:Signal.deserialize": "self data",
    "microagent.signal:Signal": "name providing_args type_map ...",
    "microagent.signal:Receiver": "agent handler signal timeout",
    "microagent.broker:AbstractQueueBroker": "dsn uid log ...",
    "microagent.broker:AbstractQueueBroker.send": "self name message **kwargs ...",
    "microagent.broker:AbstractQueueBroker.bind": "self name",
    "microagent.broker:AbstractQueueBroker.bind_consumer": "self consumer",
    "microagent.broker:AbstractQueueBroker.queue_length": "self name **options",
    "microagent.broker:BoundQueue": "broker queue",
    "microagent.broker:BoundQueue.send": "self message **options ...",
    "microagent.broker:BoundQueue.length": "self",
    "microagent.broker:Consumer": "agent handler queue timeout options dto_class dto_name",
    "microagent.queue:Queue": "name ...",
    "microagent.queue:Queue.get": "name",
    "microagent.queue:Queue.get_all": "",
    "microagent.queue:Queue.serialize": "self data",
    "microagent.queue:Queue.deserialize": "self data",
    "microagent.queue:Consumer": "agent handler queue timeout options dto_class dto_name",
    "microagent.hooks:on": "label",
    "microagent.timer:PeriodicTask": "agent handler period timeout start_after ...",
    "microagent.timer:CRONTask": "agent handler cron timeout ...",
    "microagent.launcher:load_configuration": "config_path",
    "microagent.launcher:init_agent": "backend cfg",
    "microagent.launcher:AgentsManager": "cfg ...",
    "microagent.tools.redis:RedisSignalBus": "dsn uid prefix log ...",
    "microagent.tools.redis:RedisSignalBus.send": "self channel message",
    "microagent.tools.redis:RedisSignalBus.bind": "self signal",
    "microagent.tools.redis:RedisBroker": "dsn uid log ...",
    "microagent.tools.redis:RedisBroker.send": "self name message **kwargs ...",
    "microagent.tools.redis:RedisBroker.queue_length": "self name **options",
    "microagent.tools.redis:RedisBroker.bind": "self name",
}
CLASSES = [
    "microagent.launcher:GroupInterrupt",
    "microagent.launcher:ServerInterrupt",
    "microagent.queue:QueueException",
    "microagent.queue:QueueNotFound",
    "microagent.queue:SerializingError",
    "microagent.signal:SerializingError",
    "microagent.signal:SignalException",
    "microagent.signal:SignalNotFound",
    "microagent.tools.mocks:BrokerMock",
    "microagent.tools.mocks:BusMock",
]
PROPERTIES = ["microagent.timer:CRONTask.period", "microagent.timer:CRONTask.start_after"]
DEFAULTS = {
    "microagent:receiver": {"timeout": 60},
    "microagent:consumer": {"timeout": 60, "dto_class": None, "dto_name": None},
    "microagent:periodic": {"timeout": 1, "start_after": 0},
    "microagent:cron": {"timeout": 1},
    "microagent.bus:AbstractSignalBus": {"prefix": "PUBSUB"},
    "microagent.bus:BoundSignal.waiter": {"timeout": 60},
    "microagent.bus:Signal": {"type_map": None},
    "microagent.bus:Signal.make_channel_name": {"sender": "*"},
    "microagent.broker:Consumer": {"dto_class": None, "dto_name": None},
    "microagent:MicroAgent": {"bus": None, "broker": None},
    "microagent:MicroAgent.start": dict.fromkeys(MANUAL["microagent:MicroAgent.start"].split()[1:], True),
}


def found(place):
    module, _, path = place.partition(":")
    thing = importlib.import_module(module)
    for name in path.split("."):
        thing = getattr(thing, name)
    return thing


def parameters(place):
    return inspect.signature(found(place)).parameters


def spelled(parameter):
    return {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "") + parameter.name


def is_new_keyword(parameter, documented):
    """Python wants it before ``**kwargs``, however new it is."""
    return parameter.kind is parameter.KEYWORD_ONLY and parameter.name not in documented


@pytest.mark.parametrize("place", MANUAL)
def test_documented_parameters(place):
    """In their order, under their names; what is new is a keyword."""
    documented = MANUAL[place].removesuffix("...").split()
    given = sorted(parameters(place).values(), key=lambda each: is_new_keyword(each, documented))
    assert [spelled(parameter) for parameter in given[: len(documented)]] == documented
    more = given[len(documented) :]
    assert not more or MANUAL[place].endswith("...")
    for parameter in more:
        assert parameter.kind in {parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD} or parameter.default is not (
            parameter.empty
        ), f"{parameter} of {place} would have to be given"


@pytest.mark.parametrize("place", DEFAULTS)
def test_documented_defaults(place):
    """What is left out is what it was."""
    actual = {name: parameters(place)[name].default for name in DEFAULTS[place]}
    assert actual == DEFAULTS[place]


@pytest.mark.parametrize("place", CLASSES)
def test_documented_classes(place):
    """Where the manual has them; those that are raised are exceptions."""
    cls = found(place)
    assert inspect.isclass(cls)
    assert issubclass(cls, Exception) or place.startswith("microagent.tools.mocks")


@pytest.mark.parametrize("place", PROPERTIES)
def test_documented_properties(place):
    """They are read, not called."""
    assert isinstance(found(place), property)


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("microagent.bus:Receiver", "agent handler signal timeout"),
        ("microagent.broker:Consumer", "agent handler queue timeout options dto_class dto_name"),
    ],
)
def test_documented_fields(place, names):
    """Records keep what they are made of."""
    assert is_dataclass(found(place))
    assert [field.name for field in fields(found(place))] == names.split()


def test_documented_attributes():
    """Of bus, broker, agent and declarations."""
    from microagent.tools.memory import MemoryBroker, MemorySignalBus

    bus, broker = MemorySignalBus(), MemoryBroker()
    agent = microagent.MicroAgent(bus=bus, broker=broker)
    assert (bus.dsn, bus.prefix, bus.log.name, bus.receivers) == ("memory://", "PUBSUB", "microagent.bus", {})
    assert (broker.dsn, broker.log.name, broker._bindings) == ("memory://", "microagent.broker", {})
    assert bus.uid
    assert bus.uid != MemorySignalBus().uid
    assert broker.uid != MemoryBroker().uid
    assert (agent.bus, agent.broker, agent.settings) == (bus, broker, {})
    signal = microagent.Signal("documented_attributes", ["one", "two"])
    assert (signal.name, signal.providing_args) == ("documented_attributes", ["one", "two"])
    assert signal.make_channel_name("P") == "P:documented_attributes:*"
    assert signal.deserialize(signal.serialize({"one": 1})) == {"one": 1}
    assert microagent.Signal.get_all()["documented_attributes"] is signal
    queue = microagent.Queue("documented_attributes")
    assert queue.deserialize(queue.serialize({"one": 1})) == {"one": 1}
    assert microagent.Queue.get("documented_attributes") is queue


@pytest.mark.parametrize("cls", [microagent.AbstractSignalBus, microagent.AbstractQueueBroker])
def test_abstract_ends_are_abstract(cls):
    """They need a backend."""
    with pytest.raises(TypeError, match="abstract"):
        cls("memory://")


def test_all_is_what_there_is():
    """Sorted, without doubles, and every name of it can be had."""
    assert list(microagent.__all__) == sorted(set(microagent.__all__))
    assert all(hasattr(microagent, name) for name in microagent.__all__)


def test_import_is_light():
    """What is heavy, or an extra, waits until it is needed; a plain import loads no backend either."""
    heavy = [
        "http.client",
        "email.parser",
        "jsonschema",
        "jinja2",
        "sqlite3",
        "croniter",
        "multiprocessing",
        "redis",
        "aiormq",
        "aiokafka",
        "uvloop",
    ]
    own = ["microagent.tools", "microagent_gen", "microagent.launcher"]
    code = f"import sys, microagent; print(*(name for name in {heavy + own} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
