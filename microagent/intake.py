"""What the handler of a consumer is called with, for one delivery."""

import inspect
from typing import Any

from microagent.admission import Admission
from microagent.delivery import Delivery
from microagent.errors import SerializingError
from microagent.execution import describe
from microagent.queue import Consumer
from microagent.signatures import DELIVERY, ON_REQUEST, accepted, clash, clash_problem

_DELIVERY = ("delivery", DELIVERY)
CRASHES = 10  # runs that may end with their process before a message is buried


class Intake:
    """Decodes the messages of one consumer, checks them, and picks what its handler takes."""

    def __init__(self, consumer: Consumer, admission: Admission) -> None:
        self._consumer = consumer
        self._admission = admission
        self._read = admission.reader(consumer.queue)
        self._names = accepted(consumer.handler)
        self._clash = clash(consumer.handler)
        self._requested = ON_REQUEST.intersection(inspect.signature(consumer.handler).parameters)
        self._takes_all = self._names is None and not self._requested and consumer.dto_class is None

    def arguments(self, delivery: Delivery) -> dict[str, Any]:
        """
        What to call the handler with.

        :raises SerializingError: if there is no use in calling it, now or ever
        """
        if delivery.crashes >= CRASHES:
            raise SerializingError(f"{delivery.crashes} runs ended together with their process")
        message = self._read(delivery.body)
        if message is None:
            message = self._read_closely(delivery.body)
        return message if self._takes_all and self._clash not in message else self._picked(message, delivery)

    def _read_closely(self, body: bytes) -> dict[str, Any]:
        """A message that does not fit, or of which nobody asks whether it does."""
        queue = self._consumer.queue
        data = queue.decode(body)
        if (refusal := self._admission.refusal(queue, data)) is not None:
            raise SerializingError(f"it does not fit its declaration: {refusal}")
        return data

    def _picked(self, message: dict[str, Any], delivery: Delivery) -> dict[str, Any]:
        """What the handler takes of a message, and of what comes with it."""
        dto_class = self._consumer.dto_class
        arguments = message if dto_class is None else self._wrapped(message, dto_class)
        if self._clash is not None and self._clash in arguments:
            raise SerializingError(clash_problem(self._clash, self._consumer.key))
        for name in self._requested:
            arguments[name] = delivery if name in _DELIVERY else delivery.raw
        if self._names is None or self._names == arguments.keys():
            return arguments
        return {name: arguments[name] for name in self._names if name in arguments}

    def _wrapped(self, data: dict[str, Any], dto_class: type) -> dict[str, Any]:
        try:
            return {self._consumer.dto_name or "dto": dto_class(**data)}
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise SerializingError(describe(error)) from error
