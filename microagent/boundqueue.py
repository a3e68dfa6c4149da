"""A queue of one broker: what ``broker.mailer`` is."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from microagent import codec
from microagent.delivery import NOW, DeadLetter, Outgoing, check_letter
from microagent.errors import BackendConnectionError, QueueSerializingError
from microagent.link import Interrupted
from microagent.queue import Queue

if TYPE_CHECKING:
    from microagent.broker import AbstractQueueBroker


class BoundQueue:
    """A declared queue on a broker, ``broker.mailer``: send to it, and look after its dead letters."""

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
        Send a message; when this returns, the server has stored it.

        :param message: the payload, a JSON object
        :param delay: seconds until a consumer can get the message
        :param options: those of the backend, such as ``exchange`` on RabbitMQ or ``key`` on Kafka
        :raises QueueSerializingError: if the payload is not JSON, or, with ``validate="strict"``, does not fit its
            declaration
        :raises ConfigurationError: if the backend does not support ``delay`` or one of the options
        :raises BackendConnectionError: if the server could not be reached within ``send_timeout`` seconds, or if the
            connection broke before the server confirmed the message; in that case it may have been stored
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
        """The number of waiting messages, those that wait for a retry included."""
        return await self.broker.queue_length(self.queue.name)

    async def dead(self, limit: int = 100) -> list[DeadLetter]:
        """
        The oldest dead letters, with reason, number of attempts and time; they stay where they are.

        :param limit: return at most this many
        """
        return await self.broker.dead(self.queue.name, limit)

    async def resend(self, *letters: DeadLetter) -> int:
        """
        Send the messages of dead letters again, as new messages, and remove the letters::

            await broker.mailer.resend(*await broker.mailer.dead())

        A letter is removed after its message has been stored: a crash in between duplicates a message, and loses none.

        :param letters: dead letters of this queue, as ``dead()`` returned them, in this process or another
        :return: how many were sent; the others had been resent or discarded before
        :raises ConfigurationError: if one is not a dead letter of this queue; then nothing was done
        :raises BackendConnectionError: if the server could not be reached within ``send_timeout`` seconds, or if the
            connection broke meanwhile; then some may have been sent, those that are no longer dead letters certainly
        """
        done = "some of these messages may be in the queue already, and those whose letters are gone are"
        return await self._remove(self.broker._resend, letters, done)

    async def discard(self, *letters: DeadLetter) -> int:
        """
        Delete dead letters.

        :param letters: dead letters of this queue, as ``dead()`` returned them, in this process or another
        :return: how many were deleted; the others had been resent or discarded before
        :raises ConfigurationError: if one is not a dead letter of this queue; then nothing was done
        :raises BackendConnectionError: if the server could not be reached within ``send_timeout`` seconds, or if the
            connection broke meanwhile; then some may be deleted
        """
        return await self._remove(self.broker._discard, letters, "some of these letters may be gone already")

    async def _remove(
        self, remove: Callable[[str, Sequence[DeadLetter]], Awaitable[int]], letters: Sequence[DeadLetter], done: str
    ) -> int:
        """``done`` tells, if the connection breaks, what may have been done."""
        for letter in letters:
            check_letter(letter, self.queue.name)
        if not letters:
            return 0
        operation = partial(remove, self.queue.name, letters)
        try:
            return await self.broker._link.through(operation, self.broker._deadline(), repeatable=False)
        except Interrupted as error:
            raise BackendConnectionError(f"{self!r}: {error}; {done}") from error
