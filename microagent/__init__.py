"""Contract-first, event-driven microservices: declare signals and queues in JSON, handle them in typed agents."""

from microagent.agent import MicroAgent
from microagent.broker import AbstractQueueBroker, BoundQueue
from microagent.bus import AbstractSignalBus, BoundSignal
from microagent.calls import Waiter
from microagent.delivery import DeadLetter, Delivery
from microagent.errors import (
    AuthError,
    BackendConnectionError,
    BackendError,
    CallError,
    ConfigurationError,
    ConflictError,
    DeclarationError,
    GroupInterrupt,
    HandlerError,
    LoadingError,
    MicroAgentError,
    NoReceivers,
    Problem,
    QueueException,
    QueueNotFound,
    QueueSerializingError,
    RemoteError,
    ScheduleError,
    SerializingError,
    ServerInterrupt,
    SignalException,
    SignalNotFound,
    SignalSerializingError,
)
from microagent.faces import (
    TypedBoundQueue,
    TypedBoundSignal,
    TypedBroker,
    TypedBus,
    TypedQueue,
    TypedSignal,
    raw,
)
from microagent.handlers import consumer, cron, on, periodic, receiver
from microagent.loading import load_queues, load_signals, load_stuff
from microagent.queue import Queue
from microagent.retry import RetryPolicy
from microagent.signal import Signal

__all__ = [
    "AbstractQueueBroker",
    "AbstractSignalBus",
    "AuthError",
    "BackendConnectionError",
    "BackendError",
    "BoundQueue",
    "BoundSignal",
    "CallError",
    "ConfigurationError",
    "ConflictError",
    "DeadLetter",
    "DeclarationError",
    "Delivery",
    "GroupInterrupt",
    "HandlerError",
    "LoadingError",
    "MicroAgent",
    "MicroAgentError",
    "NoReceivers",
    "Problem",
    "Queue",
    "QueueException",
    "QueueNotFound",
    "QueueSerializingError",
    "RemoteError",
    "RetryPolicy",
    "ScheduleError",
    "SerializingError",
    "ServerInterrupt",
    "Signal",
    "SignalException",
    "SignalNotFound",
    "SignalSerializingError",
    "TypedBoundQueue",
    "TypedBoundSignal",
    "TypedBroker",
    "TypedBus",
    "TypedQueue",
    "TypedSignal",
    "Waiter",
    "consumer",
    "cron",
    "load_queues",
    "load_signals",
    "load_stuff",
    "on",
    "periodic",
    "raw",
    "receiver",
]
