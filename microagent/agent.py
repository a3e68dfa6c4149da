"""The agent: a class whose methods handle signals, messages and moments."""

import logging
from collections.abc import Iterable
from functools import cached_property
from typing import Any, Generic, cast, get_args, get_origin

from typing_extensions import TypeVar

from microagent.arguments import seconds
from microagent.broker import AbstractQueueBroker, Consumer
from microagent.bus import AbstractSignalBus, Receiver
from microagent.faces import TypedBroker, TypedBus
from microagent.handlers import check_class
from microagent.life import Life

SHUTDOWN_TIMEOUT = 25.0

BusT = TypeVar("BusT", bound=AbstractSignalBus | TypedBus, default=AbstractSignalBus)
BrokerT = TypeVar("BrokerT", bound=AbstractQueueBroker | TypedBroker, default=AbstractQueueBroker)


class MicroAgent(Generic[BusT, BrokerT]):
    """
    A container for receivers of signals, consumers of messages, periodic tasks, hooks and servers::

        class UserAgent(MicroAgent[Bus, Broker]):
            @receiver(signals.user_created)
            async def welcome(self, user_id: int, **kwargs: object) -> None:
                await self.broker.mailer.send({"text": "Hi", "email": "user@example.org"})

        agent = UserAgent(bus=LocalSignalBus("local://"), broker=LocalBroker("local://"))
        await agent.start()

    ``Bus`` and ``Broker`` are generated; a plain ``MicroAgent`` takes any bus and broker. Handlers are checked when the
    class is created. An ``__init__`` of one's own is free to do what it likes, and calls this one.

    :param bus: to send and receive signals; needed by receivers
    :param broker: to send and consume messages; needed by consumers
    :param log: a logger; without it, one named as the class
    :param settings: whatever the handlers need, kept as ``self.settings``
    """

    bus: BusT
    broker: BrokerT
    log: logging.Logger
    settings: dict[str, Any]

    _shutdown_timeout = SHUTDOWN_TIMEOUT  # of a stop that nobody asks for; marun sets what it was told

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_class(cls, taken={*vars(MicroAgent), *MicroAgent.__annotations__})

    def __init__(
        self,
        bus: BusT | AbstractSignalBus | None = None,
        broker: BrokerT | AbstractQueueBroker | None = None,
        log: logging.Logger | None = None,
        settings: dict[str, Any] | None = None,
    ) -> None:
        self.bus = cast("BusT", _faced(bus, type(self), TypedBus))
        self.broker = cast("BrokerT", _faced(broker, type(self), TypedBroker))
        self.log = log or logging.getLogger(f"microagent.{type(self).__name__}")
        self.settings = {} if settings is None else settings

    @cached_property
    def _life(self) -> Life:
        return Life(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(bus={self.bus!r}, broker={self.broker!r})"

    async def start(
        self,
        enable_periodic_tasks: bool = True,
        enable_receiving_signals: bool = True,
        enable_consuming_messages: bool = True,
        enable_servers_running: bool = True,
    ) -> None:
        """
        Run the ``pre_start`` hooks, bind everything, run the ``post_start`` hooks.

        Returns when the server has confirmed every subscription, however long the server stays away. An agent with
        servers stays here until they end; one that fails stops the agent, and is raised. ``stop()`` from elsewhere has
        it return, and cancelling it stops the agent.

        :raises ServerInterrupt: if a server raised it, after the agent has stopped
        :raises ConfigurationError: if there are receivers and no bus, or consumers and no broker; if it is started
            already
        :raises AuthError: if the server refuses us
        :raises SystemExit: if a hook or a server raised it, after the agent has stopped
        """
        self._life.claim()
        try:
            await self._life.live(
                timers=enable_periodic_tasks,
                receivers=enable_receiving_signals,
                consumers=enable_consuming_messages,
                servers=enable_servers_running,
            )
        except (GeneratorExit, KeyboardInterrupt):  # nothing can be awaited any more
            raise
        except BaseException:
            await self.stop(self._shutdown_timeout)
            raise

    async def stop(self, timeout: float = SHUTDOWN_TIMEOUT) -> None:
        """
        Run the ``pre_stop`` hooks, take nothing new, let handlers finish, hand back the rest; then leave bus and
        broker, which close with their last agent.

        A handler that asks for it goes on when nothing new is begun; the agent has stopped when it has ended.

        :param timeout: seconds that hooks and handlers have to finish; then they are cancelled
        :raises ConfigurationError: if it is no such number
        """
        seconds("timeout", timeout)
        await self._life.end(timeout)

    async def bind_receivers(self, receivers: Iterable[Receiver]) -> None:
        """Bind receivers to the bus; returns when the server has confirmed every subscription."""
        await self._life.bind_receivers(list(receivers))

    async def bind_consumers(self, consumers: Iterable[Consumer]) -> None:
        """Bind consumers to the broker, and start reading their queues."""
        await self._life.bind_consumers(list(consumers))

    def info(self) -> dict[str, Any]:
        """What there is to know of this agent, as JSON values, without a password."""
        return self._life.info()


def _faced(end: Any, cls: type, face: type) -> Any:
    """A raw bus or broker behind the face that the class was declared with; anything else as it is."""
    if end is None or isinstance(end, face):
        return end
    chosen: Any = next((arg for arg in _type_arguments(cls) if isinstance(arg, type) and issubclass(arg, face)), None)
    return end if chosen is None else chosen(end)


def _type_arguments(cls: type) -> Iterable[Any]:
    """What stands in the brackets of ``MicroAgent[...]`` among the bases, nearest first."""
    for klass in cls.__mro__:
        for base in vars(klass).get("__orig_bases__", ()):
            if get_origin(base) is MicroAgent:
                yield from get_args(base)
