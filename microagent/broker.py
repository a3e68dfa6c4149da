"""The queue broker: sending and consuming on top of a backend that moves batches of messages."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypedDict

from microagent import arguments
from microagent.admission import ValidationMode
from microagent.batch import Batcher
from microagent.boundqueue import BoundQueue
from microagent.consuming import ConsumingOptions, Worker
from microagent.delivery import NOW, DeadLetter, Delivery, Outgoing
from microagent.dsn import masked
from microagent.errors import BackendConnectionError, ConfigurationError, HandlerError
from microagent.queue import Consumer, Queue
from microagent.queuebackend import QueueBackend, Stored
from microagent.retry import RetryPolicy
from microagent.settling import Verdicts
from microagent.solitude import Solitude

__all__ = ["AbstractQueueBroker", "BoundQueue", "BrokerOptions", "Consumer", "Delivery", "Queue", "Stored"]


class BrokerOptions(TypedDict, total=False):
    """The keyword arguments that every broker's constructor takes; described in :class:`AbstractQueueBroker`."""

    validate: ValidationMode
    formats: bool
    send_timeout: float
    lease: float
    retry: RetryPolicy | None


class AbstractQueueBroker(QueueBackend):
    """
    Base of all queue brokers: each message goes to one consumer, at least once.

    Every declared queue is an attribute, a :class:`BoundQueue`::

        broker = LocalBroker("local://")
        await broker.mailer.send({"text": "Hi", "email": "user@example.org"})

    The constructor does not connect; the first operation does. After an outage the broker reconnects by itself. It is
    an async context manager that connects on entry and closes on exit.

    :param dsn: the server, such as ``"redis://host:6379/0"``
    :param uid: identifies this broker among others; default: random
    :param log: logger of the broker
    :param validate: what happens to payloads that do not fit their declaration. ``"warn"``: a warning is logged;
        ``"strict"``: ``send`` raises, and a received message becomes a dead letter; ``"off"``: nothing is checked
    :param formats: also check ``format`` in JSON Schemas
    :param send_timeout: seconds for which operations keep trying to reach the server before they raise
    :param lease: seconds after which a message comes again if the process that holds it neither settles nor renews it
    :param retry: when a message whose handler failed comes again; ``@consumer(queue, retry=...)`` overrides it.
        Default: ``RetryPolicy()``
    """

    _bindings: dict[str, Consumer]

    def __init__(
        self,
        dsn: str,
        uid: str | None = None,
        log: logging.Logger = logging.getLogger("microagent.broker"),  # noqa: B008 - the manual's signature
        *,
        validate: ValidationMode = "warn",
        formats: bool = False,
        send_timeout: float = 10.0,
        lease: float = 30.0,
        retry: RetryPolicy | None = None,
    ) -> None:
        super().__init__(dsn, uid, log, validate=validate, formats=formats, send_timeout=send_timeout)
        self._bindings = {}
        self._lease = arguments.duration("lease", lease)
        self._retry = _checked(retry)
        self._workers: dict[str, Worker] = {}
        self._solitude = Solitude()
        self._outbox: Batcher[Outgoing, None] = Batcher(self._flush, begin=self._begin_flush)
        self._verdicts: Batcher[Verdicts, None] = Batcher(self._flush_verdicts)
        self._moves: Batcher[Verdicts, None] = Batcher(self._flush_verdicts)  # apart, because they take longer

    # -- sending

    def __getattr__(self, name: str) -> BoundQueue:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        bound = BoundQueue(self, Queue.get(name))
        setattr(self, name, bound)  # the next time, it is an attribute like any other
        return bound

    def __getitem__(self, name: str) -> BoundQueue:
        """
        The queue of this name, bound to this broker.

        :raises QueueNotFound: if no queue of this name is declared
        """
        return BoundQueue(self, Queue.get(name))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({masked(self.dsn)!r})"

    async def send(self, name: str, message: str | bytes, *, delay: float = NOW, **kwargs: Any) -> None:
        """
        Send a serialized message without checking it; when this returns, the server has stored it.

        :param name: name of the queue, which need not be declared
        :param message: a serialized JSON object
        :param delay: seconds until a consumer can get the message
        :param kwargs: options of the backend, see there
        :raises ConfigurationError: if the backend does not support ``delay`` or one of the options
        :raises BackendConnectionError: as for :meth:`BoundQueue.send`
        """
        body = arguments.payload(message, "message")
        outgoing = Outgoing(arguments.name(name, "name"), body, kwargs, delay)
        self._check_sending(outgoing)
        await self._outbox.add(outgoing)

    def _begin_flush(self, batch: list[Outgoing], told: Callable[[Stored | None], None], _idly: bool) -> bool:
        return self._link.is_steady(self._outbox.loop) and self._begin(batch, told)

    async def _flush(self, batch: list[Outgoing], since: float) -> Stored:
        return await self._link.through(partial(self._push, batch), since + self._send_timeout, repeatable=False)

    async def queue_length(self, name: str, **options: Any) -> int:
        """
        The number of waiting messages, those that wait for a retry included.

        :param name: name of the queue
        :param options: options of the backend, see there
        :raises BackendConnectionError: if the server could not be reached within ``send_timeout`` seconds
        """
        length = partial(self._length, arguments.name(name, "name"), **options)
        return await self._link.through(length, self._deadline())

    async def dead(self, name: str, limit: int = 100) -> list[DeadLetter]:
        """
        The oldest dead letters of a queue, with reason, number of attempts and time.

        They stay until :meth:`BoundQueue.resend` or :meth:`BoundQueue.discard` removes them.

        :param name: name of the queue
        :param limit: return at most this many
        :raises BackendConnectionError: if the server could not be reached within ``send_timeout`` seconds
        """
        letters = partial(self._dead, arguments.name(name, "name"), arguments.count("limit", limit))
        return await self._link.through(letters, self._deadline())

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._send_timeout

    # -- consuming

    async def bind_consumer(self, consumer: Consumer) -> None:
        """
        Bind a consumer and start reading its queue; a server that is down is waited for.

        :raises HandlerError: if the queue already has a consumer on this broker
        :raises ConfigurationError: if it is no :class:`Consumer`, or the backend does not have one of its options
        :raises AuthError: if the server rejects the credentials
        """
        await self._bind_consumers(arguments.each_of(Consumer, [consumer], "bind_consumer"))

    async def _bind_consumers(self, consumers: Sequence[Consumer]) -> None:
        bindings = dict(self._bindings)
        for consumer in consumers:
            bound = bindings.setdefault(consumer.queue.name, consumer)
            if bound is not consumer:
                raise HandlerError(
                    f"queue '{consumer.queue.name}' has {bound.key} as its consumer on this broker; "
                    f"{consumer.key} needs one of its own"
                )
            self._check_consumer(consumer, self._options(consumer).backend)
        self._bindings = bindings
        try:
            await self._link.ready()
            for consumer in consumers:
                await self.bind(consumer.queue.name)
        except BaseException:  # so that they can be bound again
            for consumer in consumers:
                if consumer.queue.name not in self._workers:
                    self._bindings.pop(consumer.queue.name, None)
            raise

    async def bind(self, name: str) -> None:
        """
        Start reading a queue whose consumer is bound; does nothing if it is being read.

        :param name: name of the queue
        :raises ConfigurationError: if no consumer is bound to it
        """
        if name in self._workers:
            return
        if (consumer := self._bindings.get(name)) is None:
            raise ConfigurationError(f"queue '{name}' has no consumer on {self!r}")
        options = self._options(consumer)
        self._workers[name] = worker = Worker(
            _Source(self, name), consumer, options, self._admission, self.log, solitude=self._solitude
        )
        try:
            await self._link.through(partial(self._attach, consumer, options))
        except BaseException:
            await self._stop(name, 0)
            raise
        worker.start(self._lease)

    def _options(self, consumer: Consumer) -> ConsumingOptions:
        """
        :raises ConfigurationError: if one of the common options has a wrong value
        """
        return ConsumingOptions.of(consumer, self._policy())

    def _policy(self) -> RetryPolicy:
        """The retry policy of consumers that have none of their own."""
        return self._retry

    async def _unbind_consumers(self, consumers: Sequence[Consumer], timeout: float) -> None:
        """Stop reading the queues of these consumers; what their handlers leave after ``timeout`` s is handed back."""
        names = [consumer.queue.name for consumer in consumers if self._bindings.get(consumer.queue.name) is consumer]
        for name in names:
            if (worker := self._workers.get(name)) is not None:
                worker.begin_no_more()
        await asyncio.gather(*(self._stop(name, timeout) for name in names))

    async def _stop(self, name: str, timeout: float) -> None:
        self._bindings.pop(name, None)
        worker = self._workers.pop(name, None)
        if worker is not None:
            await worker.stop(timeout)
            with suppress(BackendConnectionError):  # a lost connection holds nothing
                await self._link.once(partial(self._detach, name))

    async def _connect(self) -> None:
        await self._open()
        for worker in self._workers.values():
            await self._attach(worker.consumer, worker.options)

    async def _flush_verdicts(self, batch: list[Verdicts], since: float) -> Sequence[None]:
        fetched = [(verdicts, verdicts.fetched()) for verdicts in batch]
        settled = [delivery for _, part in fetched for delivery in part]
        try:
            await self._link.through(partial(self._settle, settled))
        except Exception:
            self.log.exception(
                "%r: %d messages cannot be settled; they come again when their leases expire", self, len(settled)
            )
        for verdicts, part in fetched:
            verdicts.known(part)
        return [None] * len(batch)

    # -- closing and monitoring

    async def close(self) -> None:
        """
        Stop consuming, send what is waiting to be sent, and disconnect.

        Running handlers are cancelled, and their messages handed back. Using the broker afterwards connects again.
        """
        await asyncio.gather(*(self._stop(name, 0) for name in tuple(self._workers)))
        await self._outbox.drain(self._send_timeout)
        await self._outbox.cancel()
        await self._verdicts.cancel()
        await self._moves.cancel()
        await self._link.close()

    def _info(self) -> dict[str, Any]:
        return {
            "backend": type(self).__name__,
            "dsn": masked(self.dsn),
            "uid": self.uid,
            "connected": self._is_connected(),
            "healthy": self._is_healthy(),
            "held": {name: worker.held for name, worker in self._workers.items()},
        }

    def _is_healthy(self) -> bool:
        """Whether it is connected and reads its queues; a broker that has not been used yet is healthy."""
        return self._link.is_idle or (self._is_connected() and all(worker.healthy for worker in self._workers.values()))


def _checked(retry: RetryPolicy | None) -> RetryPolicy:
    if retry is not None and not isinstance(retry, RetryPolicy):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise ConfigurationError(f"retry={arguments.shown(retry)} has to be a RetryPolicy")
    return retry or RetryPolicy()


class _Source:
    """One queue of a broker, as its worker uses it: a lost connection looks like an empty queue."""

    def __init__(self, broker: AbstractQueueBroker, name: str) -> None:
        self.keeps_places = broker.KEEPS_PLACES
        self._broker = broker
        self._name = name

    async def ready(self) -> None:
        await self._broker._link.ready()

    async def take(self, limit: int) -> Sequence[Delivery]:
        try:
            return await self._broker._link.once(partial(self._broker._take, self._name, limit))
        except BackendConnectionError:
            return ()

    async def wait(self, timeout: float) -> None:
        with suppress(BackendConnectionError):
            await self._broker._link.once(partial(self._broker._wait, self._name, timeout))

    async def pause(self) -> None:
        with suppress(BackendConnectionError):  # a lost connection holds nothing
            await self._broker._link.once(partial(self._broker._pause, self._name))

    async def renew(self, held: Sequence[Delivery]) -> set[Delivery]:
        return await self._broker._link.once(partial(self._broker._renew, held))

    async def maintain(self) -> float:
        return await self._broker._link.once(partial(self._broker._maintain, self._name))

    def settle(self, verdicts: Verdicts) -> None:
        self._broker._verdicts.post(verdicts)

    def move(self, verdicts: Verdicts) -> None:
        self._broker._moves.post(verdicts)
