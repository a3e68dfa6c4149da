"""The queue broker: send and consume, on top of a backend that moves batches of messages."""

import abc
import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, TypedDict

from microagent import arguments, codec
from microagent.admission import ValidationMode
from microagent.batch import Batcher
from microagent.consuming import ConsumingOptions, Verdicts, Worker
from microagent.delivery import NOW, DeadLetter, Delivery, Outgoing, Settlement, check_letter
from microagent.dsn import masked
from microagent.endpoint import Endpoint
from microagent.errors import BackendConnectionError, ConfigurationError, HandlerError, QueueSerializingError
from microagent.link import Interrupted
from microagent.names import guess
from microagent.options import COMMON
from microagent.queue import Consumer, Queue
from microagent.retry import RetryPolicy
from microagent.solitude import Solitude

__all__ = ["AbstractQueueBroker", "BoundQueue", "BrokerOptions", "Consumer", "Delivery", "Queue"]


class BrokerOptions(TypedDict, total=False):
    """What every broker takes by name, beside what is its own: see :class:`AbstractQueueBroker`."""

    validate: ValidationMode
    formats: bool
    send_timeout: float
    lease: float
    retry: RetryPolicy | None


Stored = Sequence[Exception | None]


class BoundQueue:
    """A queue on a broker: ``broker.mailer``."""

    __slots__ = ("broker", "queue")

    broker: "AbstractQueueBroker"
    queue: Queue

    def __init__(self, broker: "AbstractQueueBroker", queue: Queue) -> None:
        self.broker = broker
        self.queue = queue

    def __repr__(self) -> str:
        return f"<{self.queue.name} on {self.broker!r}>"

    async def send(self, message: dict[str, Any], *, delay: float = NOW, **options: Any) -> None:
        """
        Hand the message over; when this returns, the server has it.

        :param delay: seconds before which no consumer gets it
        :param options: for the backend, see its own documentation
        :raises QueueSerializingError: if the message cannot be sent
        :raises ConfigurationError: if ``delay`` is no such number, or the backend cannot honour it or another option
        :raises BackendConnectionError: if the server stays away for ``send_timeout``, or left it open whether it has
            the message
        """
        if type(message) is not dict and not isinstance(message, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
            raise QueueSerializingError(f"queue '{self.queue.name}': a message is a dict, not {codec.kind(message)}")
        body = self.broker._admission.sending(self.queue, message, QueueSerializingError)
        outgoing = Outgoing(self.queue.name, body, options, delay)
        if delay is not NOW or options:
            self.broker._check_sending(outgoing)
        await self.broker._outbox.add(outgoing)

    __call__ = send

    async def length(self) -> int:
        """How many messages wait, those that wait for their next try included."""
        return await self.broker.queue_length(self.queue.name)

    async def dead(self, limit: int = 100) -> list[DeadLetter]:
        """The oldest messages that were given up."""
        return await self.broker.dead(self.queue.name, limit)

    async def resend(self, *letters: DeadLetter) -> int:
        """
        Send the messages of dead letters again, each as if it were new, and take the letters away::

            await broker.mailer.resend(*await broker.mailer.dead())

        A letter goes when its message is in the queue: what ends in between may bring a message twice, and loses none.

        :param letters: of this queue, as ``dead`` gave them, here or in another process
        :return: how many there were; the others have been sent or discarded meanwhile
        :raises ConfigurationError: if one is no dead letter, or of another queue; then nothing was done
        :raises BackendConnectionError: if the server stays away for ``send_timeout``, or went in between, where some
            may have been sent already; whose letter is gone was
        """
        did = "some of these messages may be in the queue already, and those whose letters are gone are"
        return await self._clear(self.broker._resend, letters, did)

    async def discard(self, *letters: DeadLetter) -> int:
        """
        Take dead letters away for good.

        :param letters: of this queue, as ``dead`` gave them, here or in another process
        :return: how many there were; the others have been sent or discarded meanwhile
        :raises ConfigurationError: if one is no dead letter, or of another queue; then nothing was done
        :raises BackendConnectionError: if the server stays away for ``send_timeout``, or went in between, where some
            may be gone already
        """
        return await self._clear(self.broker._discard, letters, "some of these letters may be gone already")

    async def _clear(
        self, clear: Callable[[str, Sequence[DeadLetter]], Awaitable[int]], letters: Sequence[DeadLetter], did: str
    ) -> int:
        for letter in letters:
            check_letter(letter, self.queue.name)
        if not letters:
            return 0
        operation = partial(clear, self.queue.name, letters)
        try:
            return await self.broker._link.through(operation, self.broker._deadline(), repeatable=False)
        except Interrupted as error:
            raise BackendConnectionError(f"{self!r}: {error}; {did}") from error


class AbstractQueueBroker(Endpoint):
    """
    Messages, each for one consumer. Every declared queue is an attribute::

        broker = LocalBroker("local://")
        await broker.mailer.send({"text": "Hi", "email": "user@example.org"})

    Nothing connects before the first ``await``.

    :param dsn: where the server is
    :param uid: names this broker among others; without it, a random one
    :param log: a logger
    :param validate: ``"warn"``, ``"strict"`` or ``"off"``: what happens to messages that do not fit their declaration
    :param formats: whether ``format`` in a declaration is part of it; else it only tells people something
    :param send_timeout: seconds to go on trying to connect before ``send`` raises
    :param lease: seconds after which a message whose holder is silent comes again
    :param retry: when a failed message comes again; ``@consumer(queue, retry=...)`` overrides it
    """

    CONSUMER_OPTIONS: ClassVar[frozenset[str]] = frozenset()
    """What ``@consumer`` may say here beyond what it may say everywhere."""

    SUPPORTS: ClassVar[frozenset[str]] = frozenset()
    """Which of ``exchange`` and ``quorum`` in a declaration mean something here; a consumer of others is refused."""

    SEND_OPTIONS: ClassVar[frozenset[str] | None] = frozenset()
    """What ``send`` may say here beyond ``delay``; None: whatever it likes."""

    NO_DELAY: ClassVar[str | None] = None
    """Why no message can be sent with a delay here, and what to do instead; None where one can."""

    KEEPS_PLACES: ClassVar[bool] = True
    """Whether what is handed back comes again before all that was behind it."""

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
        self._moves: Batcher[Verdicts, None] = Batcher(self._flush_verdicts)  # they take longer, and no others wait

    # -- what a backend does

    @abc.abstractmethod
    async def _push(self, batch: Sequence[Outgoing]) -> Stored:
        """
        Store each message, in order, in one round trip.

        :return: for each None when the server has it, or why it has not
        :raises BackendConnectionError: if nothing was written, so that it may be tried again
        """

    def _begin(self, batch: Sequence[Outgoing], told: Callable[[Stored | None], None]) -> bool:
        """
        Store each message at once, where that can be done without waiting for anything but the answer; whether it is.

        :param told: called later with what :meth:`_push` gives, or with None where that raises
        """
        return False

    @abc.abstractmethod
    async def _take(self, name: str, limit: int) -> Sequence[Delivery]:
        """Lease up to ``limit`` messages; never waits for one, and is never cancelled by the core."""

    @abc.abstractmethod
    async def _wait(self, name: str, timeout: float) -> None:
        """Return when there may be something to take, or after ``timeout`` seconds; holds nothing, may be cancelled."""

    async def _pause(self, name: str) -> None:
        """Hand back what came without being taken, and have nothing more come so until the next ``_take``."""

    @abc.abstractmethod
    async def _settle(self, batch: Sequence[Settlement]) -> None:
        """Carry out the verdicts; one on a delivery whose lease went to somebody else does nothing."""

    @abc.abstractmethod
    async def _renew(self, held: Sequence[Delivery]) -> set[Delivery]:
        """Lengthen the leases; those that were lost."""

    @abc.abstractmethod
    async def _maintain(self, name: str) -> float:
        """Give back what silent holders had, promote what is due; seconds until it is due again."""

    @abc.abstractmethod
    async def _length(self, name: str) -> int:
        """How many messages wait, delayed ones included."""

    @abc.abstractmethod
    async def _dead(self, name: str, limit: int) -> list[DeadLetter]:
        """The oldest dead letters."""

    @abc.abstractmethod
    async def _resend(self, name: str, letters: Sequence[DeadLetter]) -> int:
        """
        Put the messages of those letters that are there into the queue, as new ones, and then take the letters away.

        :return: how many there were
        :raises Interrupted: if some of it may have been done
        :raises BackendConnectionError: if nothing was done, so that it may be tried again
        """

    @abc.abstractmethod
    async def _discard(self, name: str, letters: Sequence[DeadLetter]) -> int:
        """Take away those letters that are there, likewise."""

    def _check_consumer(self, consumer: Consumer, options: Mapping[str, Any]) -> None:
        """
        Look at the options of a consumer that are the backend's own.

        :raises ConfigurationError: if it cannot honour one, or what the queue is declared with; this one has none
        """
        queue = consumer.queue.declaration
        for key in sorted({"exchange", "quorum"} - self.SUPPORTS):
            if getattr(queue, key):
                raise ConfigurationError(
                    f"{consumer.key}: queue '{queue.name}' is declared with '{key}', which {type(self).__name__} "
                    "does not have"
                )
        for name in sorted(options.keys() - self.CONSUMER_OPTIONS):
            hint = guess(name, COMMON | self.CONSUMER_OPTIONS)
            raise ConfigurationError(f"{consumer.key}: {type(self).__name__} has no consumer option {name!r}{hint}")

    async def _attach(self, consumer: Consumer, options: ConsumingOptions) -> None:
        """Called when the server is there, before the first take and again after every loss."""

    async def _detach(self, name: str) -> None:
        """Called after the last settlement of a queue that is no longer consumed here."""

    # -- sending

    def __getattr__(self, name: str) -> BoundQueue:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        bound = BoundQueue(self, Queue.get(name))
        setattr(self, name, bound)  # the next time, it is an attribute like any other
        return bound

    def __getitem__(self, name: str) -> BoundQueue:
        """
        The queue of this name, on this broker.

        :raises QueueNotFound: if none is declared
        """
        return BoundQueue(self, Queue.get(name))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({masked(self.dsn)!r})"

    async def send(self, name: str, message: str | bytes, *, delay: float = NOW, **kwargs: Any) -> None:
        """
        Write a raw message to a queue; when this returns, the server has it.

        :param name: of the queue
        :param message: a serialized JSON object
        :param delay: seconds before which no consumer gets it
        :param kwargs: for the backend, see its own documentation
        """
        body = arguments.payload(message, "message")
        outgoing = Outgoing(arguments.name(name, "name"), body, kwargs, delay)
        self._check_sending(outgoing)
        await self._outbox.add(outgoing)

    def _check_sending(self, outgoing: Outgoing) -> None:
        """
        Look at what ``send`` was told beside the message.

        :raises ConfigurationError: if the backend cannot honour it
        """
        if arguments.seconds("delay", outgoing.delay) and self.NO_DELAY is not None:
            raise ConfigurationError(
                f"queue '{outgoing.queue}': {type(self).__name__} cannot send with 'delay': {self.NO_DELAY}"
            )
        known = outgoing.options.keys() if self.SEND_OPTIONS is None else self.SEND_OPTIONS
        for name in sorted(outgoing.options.keys() - known):
            hint = guess(name, {"delay", *known})
            raise ConfigurationError(f"queue '{outgoing.queue}': {type(self).__name__} cannot send with {name!r}{hint}")

    def _begin_flush(self, batch: list[Outgoing], told: Callable[[Stored | None], None], _idly: bool) -> bool:
        return self._link.is_steady(self._outbox.loop) and self._begin(batch, told)

    async def _flush(self, batch: list[Outgoing], since: float) -> Stored:
        return await self._link.through(partial(self._push, batch), since + self._send_timeout, repeatable=False)

    async def queue_length(self, name: str, **options: Any) -> int:
        """
        How many messages wait, those that wait for their next try included.

        :param name: of the queue
        :param options: for the backend, see its own documentation
        """
        length = partial(self._length, arguments.name(name, "name"), **options)
        return await self._link.through(length, self._deadline())

    async def dead(self, name: str, limit: int = 100) -> list[DeadLetter]:
        """
        The oldest messages of a queue that were given up, with reason, attempts and time; they stay where they are,
        until ``resend`` or ``discard`` of the queue (:class:`BoundQueue`) takes them away.

        :param limit: at most so many
        """
        letters = partial(self._dead, arguments.name(name, "name"), arguments.count("limit", limit))
        return await self._link.through(letters, self._deadline())

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._send_timeout

    # -- consuming

    async def bind_consumer(self, consumer: Consumer) -> None:
        """
        Bind a consumer of an agent, and start reading its queue.

        :raises HandlerError: if the queue has a consumer on this broker already
        :raises ConfigurationError: if it is no :class:`Consumer`, or the backend cannot honour one of its options
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
        Start reading a queue whose consumer is bound.

        :param name: of the queue
        :raises ConfigurationError: if none is
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
        """:raises ConfigurationError: if one of them makes no sense"""
        return ConsumingOptions.of(consumer, self._policy())

    def _policy(self) -> RetryPolicy:
        """When a failed message comes again if its consumer says nothing else."""
        return self._retry

    async def _unbind_consumers(self, consumers: Sequence[Consumer], timeout: float) -> None:
        """Stop reading for these: handlers finish within ``timeout`` seconds, what is left is handed back."""
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
            with suppress(BackendConnectionError):  # a connection that is gone holds nothing
                await self._link.once(partial(self._detach, name))

    async def _connect(self) -> None:
        await self._open()
        for worker in self._workers.values():
            await self._attach(worker.consumer, worker.options)

    async def _flush_verdicts(self, batch: list[Verdicts], since: float) -> Sequence[None]:
        fetched = [(verdicts, verdicts.fetched()) for verdicts in batch]
        settlements = [settlement for _, part in fetched for settlement in part]
        try:
            await self._link.through(partial(self._settle, settlements))
        except Exception:
            self.log.exception(
                "%r: %d messages cannot be settled, and come again when their leases end", self, len(settlements)
            )
        for verdicts, part in fetched:
            verdicts.known(part)
        return [None] * len(batch)

    # -- its life

    async def close(self) -> None:
        """Stop consuming, send what waits, and let go of the server. Using the broker afterwards opens it again."""
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
        """Whether it can do what it was asked for; there is nothing wrong with a broker that nobody has needed yet."""
        return self._link.is_idle or (self._is_connected() and all(worker.healthy for worker in self._workers.values()))


def _checked(retry: RetryPolicy | None) -> RetryPolicy:
    if retry is not None and not isinstance(retry, RetryPolicy):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise ConfigurationError(f"retry={arguments.shown(retry)} is to be a RetryPolicy")
    return retry or RetryPolicy()


class _Source:
    """One queue of a broker, for its worker."""

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
        with suppress(BackendConnectionError):  # a connection that is gone holds nothing
            await self._broker._link.once(partial(self._broker._pause, self._name))

    async def renew(self, held: Sequence[Delivery]) -> set[Delivery]:
        return await self._broker._link.once(partial(self._broker._renew, held))

    async def maintain(self) -> float:
        return await self._broker._link.once(partial(self._broker._maintain, self._name))

    def settle(self, verdicts: Verdicts) -> None:
        self._broker._verdicts.post(verdicts)

    def move(self, verdicts: Verdicts) -> None:
        self._broker._moves.post(verdicts)
