"""What is known of a configured agent without instantiating it, which would run the user's own code."""

import inspect
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from microagent.agent import MicroAgent
from microagent.backends import import_class
from microagent.broker import AbstractQueueBroker
from microagent.bus import AbstractSignalBus
from microagent.errors import ConfigurationError
from microagent.roster import Roster
from microagent.running.send_calls import send_calls
from microagent.running.settings import make_endpoint


@dataclass(frozen=True, slots=True)
class Blueprint:
    """
    The class of an agent with its bus and broker, checked and not instantiated.

    :ivar backend: import path of the class
    :ivar cls: the class
    :ivar bus: the bus it will be given, not connected
    :ivar broker: the broker it will be given, not connected
    """

    backend: str
    cls: type[MicroAgent[Any, Any]]
    bus: AbstractSignalBus | None
    broker: AbstractQueueBroker | None

    @classmethod
    def of(cls, backend: str, cfg: Mapping[str, Any]) -> Self:
        """
        The blueprint of the agent that ``init_agent(backend, cfg)`` would create.

        :raises ConfigurationError: for the first problem that would keep the agent from being created or started
        """
        found = cls(backend, import_class(backend, MicroAgent), make_endpoint(cfg, "bus"), make_endpoint(cfg, "broker"))
        if not isinstance(cfg.get("settings", {}), Mapping):
            raise ConfigurationError("'settings' has to be a dictionary")
        found._check_constructor()
        found._check_endpoints()
        found._check_options()
        return found

    @property
    def roster(self) -> Roster:
        """The handlers that the agent will have."""
        stand_in = object.__new__(self.cls)  # no __init__: handlers are bound to it and never run
        stand_in.log = logging.getLogger(f"microagent.{self.cls.__name__}")
        return Roster(stand_in)

    def warnings(self) -> Iterator[str]:
        """One sentence if its source sends signals and it will have no bus; the same for messages and the broker."""
        if self._makes_its_own():
            return
        for target, has in (("bus", self.bus), ("broker", self.broker)):
            sent = [call.name for call in send_calls(self.cls) or () if call.target == target and has is None]
            if sent:
                yield f"{self.backend} sends {', '.join(map(repr, sent))}, and has no {target!r}"

    def _makes_its_own(self) -> bool:
        """Whether its ``__init__`` may give it another bus and broker than those of the settings."""
        return self.cls.__init__ is not MicroAgent.__init__

    def _check_constructor(self) -> None:
        try:
            inspect.signature(self.cls.__init__).bind(None, bus=None, broker=None, settings={})
        except TypeError as error:
            raise ConfigurationError(
                f"{self.backend}.__init__ has to accept bus, broker and settings by name: {error}"
            ) from error

    def _check_endpoints(self) -> None:
        if self._makes_its_own():
            return
        if self.bus is None and self.roster.receivers():
            raise ConfigurationError(f"{self.backend} receives signals, so it needs a 'bus'")
        if self.broker is None and self.roster.consumers():
            raise ConfigurationError(f"{self.backend} consumes messages, so it needs a 'broker'")

    def _check_options(self) -> None:
        if self.broker is not None:
            for consumer in self.roster.consumers():
                self.broker._check_consumer(consumer, self.broker._options(consumer).backend)
