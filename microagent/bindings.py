"""The bus and the broker of one agent, and the handlers that it has bound to them."""

import logging
from collections.abc import Coroutine, Iterator
from typing import Any, Protocol

from microagent.broker import AbstractQueueBroker, Consumer
from microagent.bus import AbstractSignalBus, Receiver
from microagent.errors import ConfigurationError
from microagent.faces import TypedBroker, TypedBus, raw


class Agent(Protocol):
    """The part of an agent that its lifecycle needs."""

    @property
    def bus(self) -> AbstractSignalBus | TypedBus | None: ...
    @property
    def broker(self) -> AbstractQueueBroker | TypedBroker | None: ...
    @property
    def log(self) -> logging.Logger: ...


class Bindings:
    """Binds receivers and consumers of an agent, and unbinds exactly those again."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._name = type(agent).__name__
        self._receivers: list[Receiver] = []
        self._consumers: list[Consumer] = []

    @property
    def bus(self) -> AbstractSignalBus | None:
        return None if self._agent.bus is None else raw(self._agent.bus)

    @property
    def broker(self) -> AbstractQueueBroker | None:
        return None if self._agent.broker is None else raw(self._agent.broker)

    @property
    def endpoints(self) -> list[AbstractSignalBus | AbstractQueueBroker]:
        """The bus and the broker, as far as the agent has them."""
        return [endpoint for endpoint in (self.bus, self.broker) if endpoint is not None]

    def check(self) -> None:
        """
        :raises ConfigurationError: if the agent's ``__init__`` did not call that of MicroAgent, or its bus or broker is
            something else
        """
        if not hasattr(self._agent, "bus"):
            raise ConfigurationError(f"{self._name}.__init__ has to call super().__init__(), which it does not")
        _check_type(self._name, "bus", self.bus, AbstractSignalBus)
        _check_type(self._name, "broker", self.broker, AbstractQueueBroker)

    async def bind_receivers(self, receivers: list[Receiver]) -> None:
        """
        :raises ConfigurationError: if the agent has no bus
        """
        if receivers:
            if (bus := self.bus) is None:
                raise ConfigurationError(f"{self._name} receives signals, so it needs a bus")
            self._receivers += receivers
            await bus._bind_receivers(receivers)

    async def bind_consumers(self, consumers: list[Consumer]) -> None:
        """
        :raises ConfigurationError: if the agent has no broker
        """
        if consumers:
            if (broker := self.broker) is None:
                raise ConfigurationError(f"{self._name} consumes messages, so it needs a broker")
            self._consumers += consumers
            await broker._bind_consumers(consumers)

    def unbinding(self, timeout: float) -> Iterator[Coroutine[Any, Any, None]]:
        """The steps, to be run concurrently, that unbind all; running handlers have ``timeout`` seconds to finish."""
        receivers, self._receivers = self._receivers, []
        consumers, self._consumers = self._consumers, []
        if self.bus is not None:
            yield self.bus._unbind_receivers(receivers, timeout)
        if self.broker is not None:
            yield self.broker._unbind_consumers(consumers, timeout)


def _check_type(agent: str, attribute: str, value: object, expected: type) -> None:
    if value is not None and not isinstance(value, expected):
        raise ConfigurationError(
            f"the {attribute} of {agent} is of type {type(value).__name__}, which is no {expected.__name__}"
        )
