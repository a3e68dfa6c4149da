"""Faces over buses and brokers."""

import copy
from typing import Any
from uuid import uuid4

import pytest

import microagent
from microagent import (
    BoundQueue,
    BoundSignal,
    Queue,
    QueueNotFound,
    Signal,
    SignalNotFound,
    TypedBroker,
    TypedBus,
    raw,
)
from microagent.names import RESERVED_QUEUES, RESERVED_SIGNALS
from microagent.tools.memory import MemoryBroker, MemorySignalBus
from microagent.tools.mocks import BrokerMock, BusMock

SIGNAL = Signal(f"sig_{uuid4().hex}", ["user_id"])
QUEUE = Queue(f"queue_{uuid4().hex}")


class Bus(TypedBus):
    """What a generated module declares: annotations alone."""


class Broker(TypedBroker):
    """What a generated module declares: annotations alone."""


Bus.__annotations__[SIGNAL.name] = "BoundSignal"
Broker.__annotations__[QUEUE.name] = "BoundQueue"


def test_one_class_serves_typed_and_untyped_declarations() -> None:
    """At run time, the types that exist for checkers are the ones that everyone uses."""
    at_run_time: Any = microagent

    assert at_run_time.TypedSignal is Signal
    assert at_run_time.TypedQueue is Queue
    assert at_run_time.TypedBoundSignal is BoundSignal
    assert at_run_time.TypedBoundQueue is BoundQueue


def test_types_can_be_subscribed_at_run_time() -> None:
    """``TypedSignal[Bound, Handler]`` in an annotation can be evaluated."""
    at_run_time: Any = microagent

    assert at_run_time.TypedSignal["Bound", "Handler"] is Signal
    assert at_run_time.TypedQueue["Bound", "Handler"] is Queue


@pytest.mark.parametrize(
    ("face", "name", "bound"),
    [
        (Bus(MemorySignalBus()), SIGNAL.name, BoundSignal),
        (Broker(MemoryBroker()), QUEUE.name, BoundQueue),
    ],
    ids=["bus", "broker"],
)
def test_the_first_use_of_a_name_binds_it(face: Any, name: str, bound: type) -> None:
    """A name of a face is bound by its backend once, and a plain attribute from then on."""
    assert name not in vars(face)

    first = getattr(face, name)

    assert isinstance(first, bound)
    assert vars(face)[name] is first is getattr(face, name)


def test_a_bound_name_belongs_to_the_backend() -> None:
    """What a face binds is bound to the backend, so it sends where the backend sends."""
    bus, broker = MemorySignalBus(), MemoryBroker()

    assert getattr(Bus(bus), SIGNAL.name).bus is bus
    assert getattr(Bus(bus), SIGNAL.name).signal is SIGNAL
    assert getattr(Broker(broker), QUEUE.name).broker is broker
    assert getattr(Broker(broker), QUEUE.name).queue is QUEUE


def test_the_dynamic_door_takes_any_declared_name() -> None:
    """``bus["name"]`` and ``broker["name"]`` find what is declared at run time alone."""
    signal, queue = Signal(f"sig_{uuid4().hex}"), Queue(f"queue_{uuid4().hex}")

    assert Bus(MemorySignalBus())[signal.name].signal is signal
    assert Broker(MemoryBroker())[queue.name].queue is queue


def test_unknown_names_are_told_with_a_guess() -> None:
    """A name that nobody declared is an AttributeError, and a SignalNotFound or QueueNotFound."""
    bus, broker = Bus(MemorySignalBus()), Broker(MemoryBroker())

    with pytest.raises(SignalNotFound, match=f"did you mean '{SIGNAL.name}'"):
        getattr(bus, f"{SIGNAL.name}x")
    with pytest.raises(QueueNotFound, match=f"did you mean '{QUEUE.name}'"):
        getattr(broker, f"{QUEUE.name}x")
    assert not hasattr(bus, "nope")
    assert not hasattr(broker, "nope")


def test_private_names_are_never_asked_of_the_backend() -> None:
    """Protocols that look for ``__names__``, such as copying, find none and do not loop."""
    bus = Bus(MemorySignalBus())

    assert not hasattr(bus, "_nope")
    assert not hasattr(Bus.__new__(Bus), "anything_before_init")
    assert raw(copy.copy(bus)) is raw(bus)


def test_raw_is_the_backend() -> None:
    """``raw`` gives the backend behind a face, behind a face over a face, and a backend as it is."""
    bus, broker = MemorySignalBus(), MemoryBroker()

    assert raw(Bus(bus)) is raw(Bus(Bus(bus))) is raw(bus) is bus
    assert raw(Broker(broker)) is raw(Broker(Broker(broker))) is raw(broker) is broker


def test_faces_have_no_public_names_that_a_declaration_may_have() -> None:
    """Whatever a face has of its own is private, or reserved."""
    assert {name for name in dir(TypedBus) if not name.startswith("_")} <= RESERVED_SIGNALS
    assert {name for name in dir(TypedBroker) if not name.startswith("_")} <= RESERVED_QUEUES


def test_passwords_are_not_shown() -> None:
    """The repr of a face is the one of its backend, which hides the password."""
    bus, broker = Bus(MemorySignalBus("memory://user:hush@place")), Broker(MemoryBroker("memory://user:hush@place"))

    assert repr(bus) == f"Bus({raw(bus)!r})"
    assert repr(broker) == f"Broker({raw(broker)!r})"
    assert "hush" not in repr(bus) + repr(broker)


async def test_mocks_inside_a_face_can_be_asserted_on() -> None:
    """A face asks its backend for names and nothing else, so mocks do."""
    new_bus: Any = BusMock
    new_broker: Any = BrokerMock
    bus, broker = new_bus(), new_broker()

    await getattr(Bus(bus), SIGNAL.name).send("test", user_id=1)
    await getattr(Broker(broker), QUEUE.name).send({"text": "Hi"})

    bus[SIGNAL.name].send.assert_awaited_once_with("test", user_id=1)
    broker[QUEUE.name].send.assert_awaited_once_with({"text": "Hi"})


async def test_messages_go_through_a_face() -> None:
    """What is sent through a face is in the backend."""
    async with Broker(MemoryBroker()) as broker:
        await getattr(broker, QUEUE.name).send({"text": "Hi"})

        assert await raw(broker).queue_length(QUEUE.name) == 1


class OpenedBus(MemorySignalBus):
    opened = closed = 0

    async def _open(self) -> None:
        self.opened += 1
        await super()._open()

    async def _close(self) -> None:
        self.closed += 1
        await super()._close()


class OpenedBroker(MemoryBroker):
    opened = closed = 0

    async def _open(self) -> None:
        self.opened += 1
        await super()._open()

    async def _close(self) -> None:
        self.closed += 1
        await super()._close()


@pytest.mark.parametrize(("face", "backend"), [(Bus, OpenedBus), (Broker, OpenedBroker)])
async def test_async_with_opens_and_closes_the_backend(face: Any, backend: Any) -> None:
    """``async with Bus(raw) as bus`` gives the face, with its backend open inside and closed after."""
    inner = backend()

    async with face(inner) as outer:
        assert isinstance(outer, face)
        assert (inner.opened, inner.closed) == (1, 0)

    assert inner.closed == 1


@pytest.mark.parametrize(("face", "backend"), [(Bus, OpenedBus), (Broker, OpenedBroker)])
async def test_close_closes_the_backend(face: Any, backend: Any) -> None:
    """``await bus.close()`` closes the backend, whoever else uses it."""
    inner = backend()
    await inner.__aenter__()

    await face(inner).close()

    assert (inner.opened, inner.closed) == (1, 1)
