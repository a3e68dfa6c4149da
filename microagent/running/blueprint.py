"""An agent of a settings module, as far as it can be known without making it: its constructor is the user's own."""

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
from microagent.running.sendings import sendings
from microagent.running.settings import made


@dataclass(frozen=True, slots=True)
class Blueprint:
    """
    The class of an agent, with the bus and the broker that it will be given.

    :ivar backend: import path of the class
    """

    backend: str
    cls: type[MicroAgent[Any, Any]]
    bus: AbstractSignalBus | None
    broker: AbstractQueueBroker | None

    @classmethod
    def of(cls, backend: str, cfg: Mapping[str, Any]) -> Self:
        """
        The blueprint of what ``init_agent`` would make.

        :raises ConfigurationError: for the first thing that would keep the agent from being made, or from starting
        """
        found = cls(backend, import_class(backend, MicroAgent), made(cfg, "bus"), made(cfg, "broker"))
        if not isinstance(cfg.get("settings", {}), Mapping):
            raise ConfigurationError("its 'settings' are no dictionary")
        found._check_constructor()
        found._check_ends()
        found._check_options()
        return found

    @property
    def roster(self) -> Roster:
        """The handlers that it will have."""
        unmade = object.__new__(self.cls)
        unmade.log = logging.getLogger(f"microagent.{self.cls.__name__}")
        return Roster(unmade)

    def doubts(self) -> Iterator[str]:
        """What its source says that it sends where it will have no bus or broker, a sentence each."""
        if self.cls.__init__ is not MicroAgent.__init__:
            return  # it may come by a bus and a broker of its own
        for end, has in (("bus", self.bus), ("broker", self.broker)):
            sent = [sending.name for sending in sendings(self.cls) or () if sending.end == end and has is None]
            if sent:
                yield f"{self.backend} sends {', '.join(map(repr, sent))}, and has no {end!r}"

    def _check_constructor(self) -> None:
        try:
            inspect.signature(self.cls.__init__).bind(None, bus=None, broker=None, settings={})
        except TypeError as error:
            raise ConfigurationError(f"{self.backend} is to take bus, broker and settings by name: {error}") from error

    def _check_ends(self) -> None:
        if self.cls.__init__ is not MicroAgent.__init__:
            return  # it may come by a bus and a broker of its own
        if self.bus is None and self.roster.receivers():
            raise ConfigurationError(f"{self.backend} receives signals, so it needs a 'bus'")
        if self.broker is None and self.roster.consumers():
            raise ConfigurationError(f"{self.backend} consumes messages, so it needs a 'broker'")

    def _check_options(self) -> None:
        if self.broker is not None:
            for consumer in self.roster.consumers():
                self.broker._accepts(consumer, self.broker._options(consumer).backend)
