"""What is told to a caller that is wrong."""

import logging
import math
from functools import partial

import pytest

from microagent import (
    AbstractSignalBus,
    ConfigurationError,
    MicroAgent,
    MicroAgentError,
    Queue,
    QueueNotFound,
    Signal,
    SignalNotFound,
)
from microagent.arguments import name, payload, seconds, shown
from microagent.tools.memory import MemoryBroker, MemorySignalBus

SIGNAL = Signal("signal_with_arguments", ["n"])
QUEUE = Queue("queue_with_arguments")
NO_TIMES = ["1", None, True, math.nan, math.inf, -0.1, [], "x" * 1000, "\n"]


@pytest.mark.parametrize("value", NO_TIMES)
def test_what_is_no_time_is_refused(value):
    """In one short sentence that has it in it."""
    with pytest.raises(ConfigurationError, match=r"^timeout=.* has to be a number of seconds, 0 or more$") as caught:
        seconds("timeout", value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", [0, 1, 0.5])
def test_times_are_taken(value):
    """In whole seconds or parts of them."""
    assert seconds("timeout", value) == value


def test_payloads_are_bytes():
    """Text is encoded."""
    assert payload("ü", "message") == b"\xc3\xbc"
    assert payload(bytearray(b"x"), "message") == b"x"


@pytest.mark.parametrize("value", [None, 1, {}, ["{}"], "\ud800"])
def test_what_is_no_payload_is_refused(value):
    """Neither text nor bytes, or no whole text."""
    with pytest.raises(MicroAgentError, match=r"^message="):
        payload(value, "message")


@pytest.mark.parametrize("value", [None, 1, b"name", "a\nb", "a\x1b[0m", "a\u2028"])
def test_what_is_no_name_is_refused(value):
    """No text, or more than a line."""
    with pytest.raises(ConfigurationError, match=r"^name=.* has to be a string without control characters$"):
        name(value, "name")


def test_whatever_it_is_it_is_shown():
    """In one line."""

    class Unspeakable:
        def __repr__(self):
            raise ValueError

    assert shown(Unspeakable()) == "<Unspeakable>"
    assert shown("a\n" * 1000).isprintable()


@pytest.mark.parametrize("timeout", NO_TIMES)
async def test_calls_take_a_number_of_seconds(timeout):
    """``call`` and ``waiter`` refuse anything else before anything is sent."""
    async with MemorySignalBus() as bus:
        for call in (bus[SIGNAL.name].call, bus[SIGNAL.name].waiter, partial(_raw_call, bus)):
            with pytest.raises(ConfigurationError, match="timeout="):
                await call("x", timeout=timeout)
        assert len(bus._calls) == 0


def _raw_call(bus: AbstractSignalBus, sender: str, timeout: float):
    return bus.call(f"{bus.prefix}:{SIGNAL.name}:{sender}", "{}", timeout)


WRONG = {
    "bus.send(channel)": lambda bus, broker: bus.send(1, "{}"),
    "bus.send(message)": lambda bus, broker: bus.send("PUBSUB:a:b", {"n": 1}),
    "bus.receiver(message)": lambda bus, broker: bus.receiver("PUBSUB:a:b", None),
    "sender": lambda bus, broker: bus[SIGNAL.name].send("a\u2028b", n=1),
    "broker.send(name)": lambda bus, broker: broker.send(None, "{}"),
    "broker.send(message)": lambda bus, broker: broker.send(QUEUE.name, {"n": 1}),
    "queue.send(list)": lambda bus, broker: broker[QUEUE.name].send(["n"]),
    "queue.send(text)": lambda bus, broker: broker[QUEUE.name].send("{}"),
    "broker.dead(limit)": lambda bus, broker: broker.dead(QUEUE.name, "10"),
    "broker.dead(name)": lambda bus, broker: broker.dead(None),
    "broker.queue_length(name)": lambda bus, broker: broker.queue_length(QUEUE),
    "broker.bind_consumer(function)": lambda bus, broker: broker.bind_consumer(print),
    "bus.bind(signal)": lambda bus, broker: bus.bind(SIGNAL),
    "bus.bind_receiver(function)": lambda bus, broker: bus.bind_receiver(print),
    "agent.bind_receivers(function)": lambda bus, broker: MicroAgent(bus).bind_receivers(print),
    "agent.bind_receivers([function])": lambda bus, broker: MicroAgent(bus).bind_receivers([print]),
    "agent.bind_consumers([function])": lambda bus, broker: MicroAgent(broker=broker).bind_consumers([print]),
    "queue.dead(0)": lambda bus, broker: broker[QUEUE.name].dead(0),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_wrong_arguments_are_told_in_a_sentence(wrong):
    """One of ours, of one line."""
    async with MemorySignalBus() as bus, MemoryBroker() as broker:
        with pytest.raises(MicroAgentError) as caught:
            await WRONG[wrong](bus, broker)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "options", [{"prefix": None}, {"prefix": "a\nb"}, {"uid": 7}, {"uid": "a\x1bb"}, {"uid": "a:b"}]
)
def test_names_of_a_bus_are_texts_in_one_line(options):
    """Its channels begin with the one, its replies travel under the other."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        MemorySignalBus(**options)


@pytest.mark.parametrize("end", [MemorySignalBus, MemoryBroker])
@pytest.mark.parametrize(
    "options",
    [
        {"dsn": "redis://"},
        {"dsn": ""},
        {"log": None},
        {"log": "x"},
        {"uid": 7},
        {"formats": "yes"},
        {"send_timeout": "1"},
    ],
)
def test_what_bus_and_broker_take_is_looked_at_when_they_are_made(end, options):
    """Not when it is needed for the first time, which for a logger may be an outage."""
    with pytest.raises(ConfigurationError, match=f"{next(iter(options))}|DSN"):
        end(**options)


def test_what_an_agent_logs_with_is_a_logger():
    """A ``LoggerAdapter`` is one, and whatever else has its methods."""
    with pytest.raises(ConfigurationError, match="log='x' has to be a logger"):
        MicroAgent(log="x")
    adapter = logging.LoggerAdapter(logging.getLogger("a"), {})
    assert MicroAgent(log=adapter).log is adapter


@pytest.mark.parametrize("name", [7, None, ["mailer"]])
def test_what_is_no_name_is_not_declared(name):
    """Asked for in brackets, it is told like any other that nobody declared."""
    with pytest.raises(SignalNotFound, match="is declared"):
        MemorySignalBus()[name]
    with pytest.raises(QueueNotFound, match="is declared"):
        MemoryBroker()[name]


@pytest.mark.parametrize(
    "options", [{"dsn": 3}, {"lease": 0}, {"lease": "3"}, {"retry": 3}, {"send_timeout": -1}, {"validate": "strickt"}]
)
def test_options_of_a_broker_are_looked_at_when_it_is_made(options):
    """Not when they are needed for the first time."""
    with pytest.raises(ConfigurationError, match=f"{next(iter(options))}|DSN"):
        MemoryBroker(**options)
