"""MicroAgent: the class whose decorated methods handle signals, messages and timers."""

import logging
from collections.abc import Iterable
from functools import cached_property
from typing import Any, Generic, cast, get_args, get_origin

from typing_extensions import TypeVar

from microagent.arguments import each_of, logger, seconds
from microagent.broker import AbstractQueueBroker, Consumer
from microagent.bus import AbstractSignalBus, Receiver
from microagent.faces import TypedBroker, TypedBus
from microagent.handlers import check_class
from microagent.lifecycle import Lifecycle

SHUTDOWN_TIMEOUT = 25.0

BusT = TypeVar("BusT", bound=AbstractSignalBus | TypedBus, default=AbstractSignalBus)
BrokerT = TypeVar("BrokerT", bound=AbstractQueueBroker | TypedBroker, default=AbstractQueueBroker)


class MicroAgent(Generic[BusT, BrokerT]):
    """
    An agent: its decorated methods receive signals, consume messages, run on a schedule, or are hooks and servers::

        class UserAgent(MicroAgent[Bus, Broker]):
            @receiver(signals.user_created)
            async def welcome(self, user_id: int, **kwargs: object) -> None:
                await self.broker.mailer.send({"text": "Hi", "email": "user@example.org"})

        agent = UserAgent(bus=LocalSignalBus("local://"), broker=LocalBroker("local://"))
        await agent.start()

    ``Bus`` and ``Broker`` come from the generated contracts and give ``self.bus`` and ``self.broker`` their types; a
    plain ``MicroAgent`` takes any bus and broker. Defining the class raises :class:`HandlerError` if a handler cannot
    be called with what its signal or queue declares. A subclass that defines ``__init__`` has to call
    ``super().__init__()``.

    :param bus: sends and receives signals; required if the class has receivers
    :param broker: sends and consumes messages; required if the class has consumers
    :param log: the agent's logger; default: ``logging.getLogger("microagent.<class name>")``
    :param settings: anything the handlers need, available as ``self.settings``
    """

    bus: BusT
    broker: BrokerT
    log: logging.Logger
    settings: dict[str, Any]

    _shutdown_timeout = SHUTDOWN_TIMEOUT  # seconds, when a failed start() stops the agent; marun sets its own

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
        self.bus = cast("BusT", _typed(bus, type(self), TypedBus))
        self.broker = cast("BrokerT", _typed(broker, type(self), TypedBroker))
        self.log = logging.getLogger(f"microagent.{type(self).__name__}") if log is None else logger(log)
        self.settings = {} if settings is None else settings

    @cached_property
    def _lifecycle(self) -> Lifecycle:
        return Lifecycle(self)

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
        Run the ``pre_start`` hooks, bind receivers and consumers, start the timers, run the ``post_start`` hooks.

        Returns when the server has confirmed every subscription; a server that is down is waited for. With
        ``@on("server")`` methods, it returns only when all of them have ended, or when ``stop()`` is called elsewhere.
        If a hook or a server raises, or this call is cancelled, the agent is stopped before the exception propagates.

        :param enable_periodic_tasks: False: start no ``@periodic`` and ``@cron`` methods
        :param enable_receiving_signals: False: bind no ``@receiver`` methods
        :param enable_consuming_messages: False: bind no ``@consumer`` methods
        :param enable_servers_running: False: run no ``@on("server")`` methods
        :raises ServerInterrupt: if a server raised it
        :raises ConfigurationError: if the agent is already started, or has receivers and no bus, or consumers and no
            broker
        :raises AuthError: if the server rejects the credentials
        :raises SystemExit: if a hook or a server raised it
        """
        self._lifecycle.claim()
        try:
            await self._lifecycle.run(
                timers=enable_periodic_tasks,
                receivers=enable_receiving_signals,
                consumers=enable_consuming_messages,
                servers=enable_servers_running,
            )
        except (GeneratorExit, KeyboardInterrupt):  # nothing can be awaited here
            raise
        except BaseException:
            await self.stop(self._shutdown_timeout)
            raise

    async def stop(self, timeout: float = SHUTDOWN_TIMEOUT) -> None:
        """
        Run the ``pre_stop`` hooks, accept no new work, wait for running handlers, hand unfinished messages back.

        A bus or broker that several agents share closes when the last of them stops. Stopping an agent that is not
        running does nothing. Awaited in one of the agent's own handlers, this returns once no new work is accepted,
        because the agent cannot be stopped before that handler has ended.

        :param timeout: seconds for hooks and handlers to finish; then they are cancelled
        :raises ConfigurationError: if ``timeout`` is not a number of seconds, 0 or more
        """
        seconds("timeout", timeout)
        await self._lifecycle.stop(timeout)

    async def bind_receivers(self, receivers: Iterable[Receiver]) -> None:
        """
        Bind receivers to the bus; return when the server has confirmed every subscription.

        :raises ConfigurationError: if one is no :class:`Receiver`, or the agent has no bus
        """
        await self._lifecycle.bind_receivers(each_of(Receiver, receivers, "bind_receivers"))

    async def bind_consumers(self, consumers: Iterable[Consumer]) -> None:
        """
        Bind consumers to the broker and start reading their queues.

        :raises ConfigurationError: if one is no :class:`Consumer`, the agent has no broker, or the broker lacks one of
            the consumers' options
        :raises HandlerError: if a queue already has a consumer on this broker
        """
        await self._lifecycle.bind_consumers(each_of(Consumer, consumers, "bind_consumers"))

    def info(self) -> dict[str, Any]:
        """
        The agent's state for monitoring, as JSON-compatible values; passwords of DSNs are masked.

        Keys: ``name``, ``started``, ``healthy``, ``bus``, ``broker``, ``receivers``, ``consumers``, ``timers``,
        ``middlewares``, ``hooks``.
        """
        return self._lifecycle.info()


def _typed(backend: Any, cls: type, face: type) -> Any:
    """The bus or broker wrapped in the generated class that ``MicroAgent[...]`` names; unchanged if it names none."""
    if backend is None or isinstance(backend, face):
        return backend
    chosen: Any = next((arg for arg in _type_arguments(cls) if isinstance(arg, type) and issubclass(arg, face)), None)
    return backend if chosen is None else chosen(backend)


def _type_arguments(cls: type) -> Iterable[Any]:
    """The type arguments of ``MicroAgent[...]`` among the bases of ``cls``, nearest first."""
    for klass in cls.__mro__:
        for base in vars(klass).get("__orig_bases__", ()):
            if get_origin(base) is MicroAgent:
                yield from get_args(base)
