"""The interface that a queue broker's backend implements: it moves batches of messages, and decides nothing."""

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

from microagent import arguments
from microagent.delivery import DeadLetter, Delivery, Outgoing
from microagent.endpoint import Endpoint
from microagent.errors import ConfigurationError
from microagent.headers import check_headers
from microagent.names import guess
from microagent.options import COMMON, ConsumingOptions
from microagent.queue import Consumer

Stored: TypeAlias = Sequence[Exception | None]
"""For each message of a batch None if the server has it, or why it does not."""


class QueueBackend(Endpoint):
    """
    What differs from server to server.

    The core calls these methods one batch at a time, retries them and reconnects. A backend never calls handlers,
    retries, reconnects or owns a task; it reports a lost connection by raising :class:`BackendConnectionError`.
    """

    CONSUMER_OPTIONS: ClassVar[frozenset[str]] = frozenset()
    """Options of ``@consumer`` that this backend adds to the common ones."""

    SUPPORTS: ClassVar[frozenset[str]] = frozenset()
    """Which of the keys ``exchange`` and ``quorum`` of a declaration it supports; a consumer of others is refused."""

    SEND_OPTIONS: ClassVar[frozenset[str] | None] = frozenset()
    """Options of ``send`` that this backend adds to ``delay``; None: any."""

    NO_DELAY: ClassVar[str | None] = None
    """Why messages cannot be sent with a delay, and what to do instead; None: they can."""

    KEEPS_PLACES: ClassVar[bool] = True
    """Whether a released message comes again before all messages that were behind it."""

    @abc.abstractmethod
    async def _push(self, batch: Sequence[Outgoing]) -> Stored:
        """
        Store the messages, in order and in one round trip.

        :raises BackendConnectionError: if nothing was written, so that the batch can be sent again
        :raises Interrupted: if the connection broke after something may have been written
        """

    def _begin(self, batch: Sequence[Outgoing], told: Callable[[Stored | None], None]) -> bool:
        """
        Start :meth:`_push` without a task, if the batch can be written at once. Optional; it saves time per message.

        :param told: called later with what ``_push`` would return, or with None where it would raise
        :return: whether it was started; otherwise the core calls ``_push``
        """
        return False

    @abc.abstractmethod
    async def _take(self, name: str, limit: int) -> Sequence[Delivery]:
        """Lease up to ``limit`` messages of a queue that are ready, without waiting for any. Never cancelled."""

    @abc.abstractmethod
    async def _wait(self, name: str, timeout: float) -> None:
        """Return when there may be messages to take, or after ``timeout`` seconds. Holds nothing; may be cancelled."""

    async def _pause(self, name: str) -> None:
        """Hand back messages that the server pushed and nobody took; have none pushed until the next ``_take``."""

    @abc.abstractmethod
    async def _settle(self, batch: Sequence[Delivery]) -> None:
        """Carry out the verdicts; one on a delivery whose lease is lost does nothing."""

    @abc.abstractmethod
    async def _renew(self, held: Sequence[Delivery]) -> set[Delivery]:
        """Extend the leases; return the deliveries whose lease is lost."""

    @abc.abstractmethod
    async def _maintain(self, name: str) -> float:
        """Make expired leases and due retries available again; return the seconds until this has to be called again."""

    @abc.abstractmethod
    async def _length(self, name: str) -> int:
        """The number of waiting messages, delayed ones included."""

    @abc.abstractmethod
    async def _dead(self, name: str, limit: int) -> list[DeadLetter]:
        """The oldest dead letters."""

    @abc.abstractmethod
    async def _resend(self, name: str, letters: Sequence[DeadLetter]) -> int:
        """
        Put the messages of those letters that still exist into the queue as new ones, then remove the letters.

        :return: how many existed
        :raises Interrupted: if some of it may have been done
        :raises BackendConnectionError: if nothing was done, so that it can be tried again
        """

    @abc.abstractmethod
    async def _discard(self, name: str, letters: Sequence[DeadLetter]) -> int:
        """Remove those letters that still exist; returns and raises like :meth:`_resend`."""

    def _check_sending(self, outgoing: Outgoing) -> None:
        """
        Refuse a message that is sent with something this backend does not have.

        :raises ConfigurationError: if it does not support a delay, or does not know one of the options
        """
        if arguments.seconds("delay", outgoing.delay) and self.NO_DELAY is not None:
            raise ConfigurationError(
                f"queue '{outgoing.queue}': {type(self).__name__} cannot send with 'delay': {self.NO_DELAY}"
            )
        known = outgoing.options.keys() if self.SEND_OPTIONS is None else self.SEND_OPTIONS
        for name in sorted(outgoing.options.keys() - known):
            hint = guess(name, {"delay", *known})
            raise ConfigurationError(f"queue '{outgoing.queue}': {type(self).__name__} cannot send with {name!r}{hint}")
        if (headers := outgoing.options.get("headers")) is not None:
            check_headers(headers)

    def _check_consumer(self, consumer: Consumer, options: Mapping[str, Any]) -> None:
        """
        Refuse a consumer that asks for something this backend does not have.

        :param options: the consumer's options other than the common ones
        :raises ConfigurationError: if it does not know one of them, or a key of the queue's declaration
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
        """Prepare to read a queue; called before the first take, and again after each reconnect."""

    async def _detach(self, name: str) -> None:
        """Clean up after the last settlement of a queue that is no longer consumed here."""
