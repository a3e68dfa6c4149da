"""Queues: each of their messages is for one consumer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from microagent.declarations import QueueDeclaration, Schema, queue_from
from microagent.errors import QueueException, QueueNotFound, QueueSerializingError
from microagent.names import queue_name_problem
from microagent.registry import Registered
from microagent.schemas.glances import Glance
from microagent.schemas.validation import Checks, Reader, checks
from microagent.sources.parsing import declared_queue

__all__ = ["Consumer", "Queue", "QueueException", "QueueNotFound", "SerializingError"]

SerializingError = QueueSerializingError


class Queue(Registered[QueueDeclaration]):
    """
    The declaration of a queue, one per name; usually generated or loaded, rarely written by hand.

    ::

        Queue("mailer")
        Queue("mailer", payload={"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]})

    :param name: unique in the project
    :param payload: a JSON Schema of the messages; without one, any JSON object is a message
    :param exchange: the exchange that messages are published to, on RabbitMQ
    :param topics: the routing keys by which the queue is bound to the exchange
    :param quorum: whether it is a quorum queue, on RabbitMQ; None for the kind that the broker is configured to declare
    :param declared: the structure, which generated modules pass instead of all other arguments
    :raises DeclarationError: if the declaration is not valid
    :raises ConflictError: if the name is declared already, differently
    """

    _kind: ClassVar[str] = "queue"
    _register: ClassVar[dict[str, Any]] = {}
    _missing = QueueNotFound
    _unreadable = QueueSerializingError
    _name_problem = staticmethod(queue_name_problem)
    _read_structure = staticmethod(queue_from)

    def __new__(
        cls,
        name: str,
        *,
        payload: Schema | None = None,
        exchange: str | None = None,
        topics: Sequence[str] = (),
        quorum: bool | None = None,
        description: str = "",
        deprecated: bool = False,
        declared: str | None = None,
    ) -> "Queue":
        if declared is not None:
            return cls.admit(name, declared)
        said = {"payload": payload, "exchange": exchange, "quorum": quorum, "topics": topics or None}
        return cls.admit(name, declared_queue(name, description=description, deprecated=deprecated, **said))

    def __repr__(self) -> str:
        return f"Queue(name={self.name!r})"

    @property
    def description(self) -> str:
        return self.declaration.description

    def problem(
        self, data: Mapping[str, Any], *, sending: bool = True, formats: bool = False, plain: bool = False
    ) -> str | None:
        """
        What is wrong with a message, as one sentence, or None; the same for sending and receiving.

        :param plain: whether it is known to consist of JSON's own types, see :func:`codec.is_plain`
        """
        return None if self._checks is None else self._checks[formats].problem(data, plain=plain or not sending)

    def _glance(self, formats: bool) -> Glance:
        return Glance() if self._checks is None else self._checks[formats].glance()

    def _reader(self, formats: bool) -> Reader:
        return (lambda raw: None) if self._checks is None else self._checks[formats].read

    @cached_property
    def _checks(self) -> Checks | None:
        payload = self.declaration.payload
        return None if payload is None else checks(payload, self.declaration.definitions, payload=True)


@dataclass(slots=True)
class Consumer:
    """
    A handler bound to a queue.

    :ivar agent: the agent that ``handler`` is a method of
    :ivar timeout: seconds that one run may take
    :ivar options: options of the backend
    :ivar dto_class: called with the message as keywords; the handler gets the result
    :ivar dto_name: the parameter for that result; ``dto`` if None
    """

    agent: Any
    handler: Callable[..., Awaitable[Any]]
    queue: Queue
    timeout: float
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    dto_class: type | None = None
    dto_name: str | None = None

    @property
    def key(self) -> str:
        """``Class.method``."""
        return f"{type(self.agent).__name__}.{self.handler.__name__}"
