"""The queue broker on RabbitMQ."""

import asyncio
import logging
import ssl
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Unpack

import aiormq
from aiormq.abc import DeliveredMessage

from microagent import arguments
from microagent.broker import AbstractQueueBroker, BrokerOptions, Consumer
from microagent.consuming import ConsumingOptions
from microagent.delivery import DeadLetter, Delivery, Outgoing
from microagent.errors import BackendConnectionError, ConfigurationError
from microagent.tools.amqp import later, messages
from microagent.tools.amqp.connecting import address, connect
from microagent.tools.amqp.frames import LONGEST_NAME
from microagent.tools.amqp.intake import Window
from microagent.tools.amqp.sending import Letter
from microagent.tools.amqp.session import Session
from microagent.tools.amqp.topology import declaration, is_quorum
from microagent.tools.amqp.verdicts import carry_out

TOGETHER = 0.002  # seconds in which further verdicts are collected: one frame acknowledges many messages
TIDY = 1.0  # seconds between two checks for prefetched messages to hand back


class AMQPBroker(AbstractQueueBroker):
    """
    Queues on RabbitMQ::

        broker = AMQPBroker("amqp://guest:guest@localhost/")
        await broker.mailer.send({"text": "Hi", "email": "user@example.org"})

    A queue that exists is used as it is; one that does not is declared when it is first consumed or sent to. Messages
    are persistent, and ``send`` returns when the server has confirmed the message. A failed message waits for its retry
    in ``{name}.retry.{milliseconds}``, with the next longer of some fixed delays; dead letters are in ``{name}.dead``.
    A message whose handler runs longer than the server's ``consumer_timeout`` (30 minutes) is redelivered meanwhile.

    Options of ``send``:

    - ``exchange``: publish to this exchange; default: that of the queue's declaration, or straight to the queue
    - ``topic``: the routing key; default: the name of the queue
    - ``headers``: a dictionary of str or bytes, for the header table
    - ``properties``: a dictionary of AMQP properties, such as ``{"priority": 5}``
    - ``mandatory``: False: do not raise if no queue accepts the message
    - ``delay``: in steps of 0.1 seconds, up to 77 days, straight to the queue. The message waits in ``{name}.later``
      and, for longer delays, ``{name}.later.{milliseconds}``

    :param dsn: ``amqp://user:password@host:port/vhost`` or ``amqps://``; options: ``heartbeat`` in seconds, ``cafile``,
        ``certfile``, ``keyfile``, and others of aiormq
    :param durable: whether queues declared here survive a restart of the server; microagent 1.x needs False
    :param quorum: declare quorum queues, unless a queue's declaration says otherwise. They count runs that end with
        their process. A message that is handed back goes to the end of such a queue, or it would be counted as well
    :param ssl_context: for ``amqps://``, instead of the files
    :param options: those of :class:`AbstractQueueBroker`
    """

    SCHEMES = frozenset({"amqp", "amqps"})
    SEND_OPTIONS = frozenset({"exchange", "topic", "headers", "properties", "mandatory"})
    SUPPORTS = frozenset({"exchange", "quorum"})
    KEEPS_PLACES: ClassVar[bool] = (
        False  # quorum queues count messages that return to their place, so they go to the end
    )

    def __init__(
        self,
        dsn: str,
        uid: str | None = None,
        log: logging.Logger = logging.getLogger("microagent.broker"),  # noqa: B008 - the manual's signature
        *,
        durable: bool = True,
        quorum: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        **options: Unpack[BrokerOptions],
    ) -> None:
        super().__init__(dsn, uid, log, **options)
        self._address = address(dsn)
        self._durable = arguments.flag("durable", durable)
        self._quorum = arguments.flag("quorum", quorum)
        self._ssl_context = ssl_context
        self._session: Session | None = None

    # -- methods of this broker alone

    async def declare_queue(self, name: str, **options: Any) -> None:
        """
        Declare a queue, durable unless the options say otherwise.

        :param name: name of the queue
        :param options: arguments of AMQP's ``queue.declare``, such as ``durable``, ``auto_delete`` and ``arguments``
        :raises ConfigurationError: if a queue of this name exists with other properties
        """
        await self._link.through(partial(self._declare, name, options), self._deadline())

    async def get_channel(self) -> aiormq.Channel:
        """The aiormq channel that this broker sends on. It is shared: do not close it."""
        return await self._link.through(self._channel, self._deadline())

    @staticmethod
    async def putout(amqp: DeliveredMessage) -> None:
        """
        Acknowledge a message in a handler with ``autoack=False``.

        :param amqp: the driver's message, which the handler got as its parameter ``amqp``
        """
        await amqp.channel.basic_ack(amqp.delivery_tag or 0)

    async def send(
        self,
        name: str,
        message: str | bytes,
        exchange: str = "",
        properties: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """
        Send a serialized message without checking it; when this returns, the server has stored it.

        :param name: name of the queue, which need not be declared
        :param message: a serialized JSON object
        :param exchange: publish to this exchange, with the name of the queue as routing key
        :param properties: AMQP properties
        :param kwargs: ``topic``, ``headers``, ``mandatory``, ``delay``, as for the class
        :raises UnroutableError: if no queue accepts the message
        """
        await super().send(name, message, exchange=exchange, properties=properties, **kwargs)

    async def _declare(self, name: str, options: Mapping[str, Any]) -> None:
        await self._live.topology.declare(name, **options)

    async def _channel(self) -> aiormq.Channel:
        return await self._live.sender.channel()

    # -- the backend's interface

    @property
    def _live(self) -> Session:
        if self._session is None:
            raise BackendConnectionError("not connected")
        return self._session

    async def _open(self) -> None:
        connection = await connect(self._address, f"microagent {self.uid}", self._ssl_context)
        options = {"durable": self._durable, "quorum": self._quorum}
        self._session = session = Session(connection, self._send_timeout, self.log, **options)
        session.when_lost(self._look)

    def _look(self, session: Session) -> None:
        if session is self._session:  # and was not closed by us
            self._link.look(session.check)

    async def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _push(self, batch: Sequence[Outgoing]) -> list[Exception | None]:
        results: list[Exception | None] = [None] * len(batch)
        letters: dict[int, Letter] = {}
        for n, outgoing in enumerate(batch):
            try:
                letters[n] = self._letter(outgoing)
            except ConfigurationError as error:
                results[n] = error
        for n, result in zip(letters, await self._live.post(list(letters.values())), strict=True):
            results[n] = result
        return results

    def _letter(self, outgoing: Outgoing) -> Letter:
        options = outgoing.options
        declared = declaration(outgoing.queue)
        own = declared.exchange or "" if declared is not None else ""
        exchange = options.get("exchange") or own
        if "topic" in options and not exchange:
            raise ConfigurationError(f"a topic needs an exchange, and queue '{outgoing.queue}' declares none")
        if outgoing.delay:
            return self._delayed_letter(outgoing, exchange)
        routing_key = options.get("topic", outgoing.queue)
        _check_name(exchange, "exchange")
        _check_name(routing_key, "topic")
        return Letter(
            exchange,
            routing_key,
            outgoing.body,
            messages.fresh(options.get("properties"), options.get("headers")),
            queue=self._live.topology.place(outgoing.queue) if declared is not None and exchange == own else None,
            mandatory=bool(options.get("mandatory", True)),
        )

    def _delayed_letter(self, outgoing: Outgoing, exchange: str) -> Letter:
        """It goes through queues of its own to the one queue that it is for, past all exchanges of others."""
        queue, options = outgoing.queue, outgoing.options
        if exchange:
            raise ConfigurationError(
                f"queue '{queue}': a delayed message would go to this queue alone, and what is sent to exchange "
                f"{arguments.shown(exchange)} goes to all that are bound to it; send it without a delay"
            )
        properties = messages.fresh(options.get("properties"), options.get("headers"))
        if "expiration" in (options.get("properties") or {}):
            raise ConfigurationError(f"queue '{queue}': a message with a delay cannot have an expiration")
        place, exchange, routing_key = later.address(self._live.topology.place(queue), later.ticks(outgoing.delay))
        return Letter(exchange, routing_key, outgoing.body, properties, queue=place)

    async def _attach(self, consumer: Consumer, options: ConsumingOptions) -> None:
        size, fixed = options.prefetch or options.concurrency, options.prefetch is not None
        counted = is_quorum(consumer.queue.declaration, self._quorum)
        await self._live.consume(consumer.queue.name, Window(size, fixed, hands_back=not counted))

    async def _detach(self, name: str) -> None:
        await self._pause(name)
        await self._live.leave(name)

    async def _pause(self, name: str) -> None:
        left = [messages.delivery(name, held.message, held) for held in await self._live.pause(name)]
        for delivery in left:
            delivery.release()
        await self._settle(left)

    async def _take(self, name: str, limit: int) -> list[Delivery]:
        intake = self._live.intake(name)
        deliveries = [messages.delivery(name, held.message, held) for held in await intake.take(limit)]
        intake.remember(deliveries)
        return deliveries

    async def _wait(self, name: str, timeout: float) -> None:
        await self._live.intake(name).wait(timeout)

    async def _settle(self, batch: Sequence[Delivery]) -> None:
        await carry_out(self._live, batch, self.log)
        await asyncio.sleep(TOGETHER)

    async def _renew(self, held: Sequence[Delivery]) -> set[Delivery]:
        """RabbitMQ has no leases: a message is held as long as its channel is open."""
        return {delivery for delivery in held if not delivery.token.intake.holds(delivery.token)}

    async def _maintain(self, name: str) -> float:
        await self._live.intake(name).relax()
        return TIDY

    async def _length(self, name: str, **options: Any) -> int:
        return await self._live.length(name, **options)

    async def _dead(self, name: str, limit: int) -> list[DeadLetter]:
        return [messages.dead_letter(name, message) for message in await self._live.dead(name, limit)]

    async def _resend(self, name: str, letters: Sequence[DeadLetter]) -> int:
        return await self._live.resend(name, letters)

    async def _discard(self, name: str, letters: Sequence[DeadLetter]) -> int:
        return await self._live.discard(name, letters)


def _check_name(name: str, what: str) -> None:
    """AMQP writes the length of a name in one byte."""
    if len(arguments.name(name, what).encode()) > LONGEST_NAME:
        raise ConfigurationError(
            f"{what}={arguments.shown(name)} is longer than the {LONGEST_NAME} bytes of AMQP's names"
        )
