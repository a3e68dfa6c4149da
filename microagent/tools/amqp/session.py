"""All that lives on one connection, and ends with it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import aiormq
from aiormq import spec
from aiormq.abc import DeliveredMessage

from microagent.delivery import DeadLetter
from microagent.errors import BackendConnectionError, ConfigurationError, UnroutableError
from microagent.printable import printable
from microagent.tools.amqp import later, messages
from microagent.tools.amqp.connecting import Connection, disconnect
from microagent.tools.amqp.errors import CLOSED, MissingError
from microagent.tools.amqp.frames import room
from microagent.tools.amqp.intake import Held, Intake, Window
from microagent.tools.amqp.questions import Questions
from microagent.tools.amqp.removal import HandOn, Removal
from microagent.tools.amqp.sending import Letter, Sender
from microagent.tools.amqp.topology import Topology, dead_place


class Session:
    """
    A connection with the channels on it: one that sends, one for each queue that is consumed, some for questions.

    :param timeout: seconds that the server may take to confirm a message
    :param durable: new queues outlive the server
    :param quorum: new queues are quorum queues
    """

    def __init__(
        self, connection: Connection, timeout: float, log: logging.Logger, *, durable: bool, quorum: bool
    ) -> None:
        self._connection = connection
        self._log = log
        self._questions = Questions(connection)
        self._intakes: dict[str, Intake] = {}
        self.topology = Topology(self._questions, durable, quorum)
        self.sender = Sender(connection, timeout)
        self._room = room(connection.connection_tune.frame_max)

    async def close(self) -> None:
        await disconnect(self._connection)

    async def check(self) -> None:
        """
        See that the connection is still there.

        :raises BackendConnectionError: if not
        """
        if self._connection.is_closed:
            raise BackendConnectionError(CLOSED)

    def when_lost(self, tell: "Callable[[Session], None]") -> None:
        """Call ``tell`` when the connection has ended."""
        closing: asyncio.Future[Any] = self._connection.closing  # pyright: ignore - the driver does not say of what
        closing.add_done_callback(lambda _: tell(self))

    # -- consuming

    async def consume(self, name: str, window: Window) -> None:
        """Have the server push a queue; see :class:`Intake`."""
        former = self._intakes.get(name)
        if former is None or not former.is_open:
            await self.topology.ensure(self.topology.place(name))
            self._intakes[name] = await Intake.open(self._connection, name, window, partial(self._restore, name))

    async def _restore(self, name: str) -> None:
        self._log.warning("the server ended the consumer of queue '%s', which may be gone: it is declared again", name)
        self.topology.forget(self.topology.place(name))
        await self.topology.ensure(self.topology.place(name))

    async def pause(self, name: str) -> list[Held]:
        """Have it pushed no more until it is asked for; what is to be handed back."""
        return await self._intakes[name].pause() if name in self._intakes else []

    async def leave(self, name: str) -> None:
        """Let go of it, and of all that is not settled."""
        intake = self._intakes.pop(name, None)
        if intake is not None:
            await intake.close()

    def intake(self, name: str) -> Intake:
        """
        Where a queue arrives.

        :raises BackendConnectionError: if it is not consumed on this connection
        """
        if name not in self._intakes:
            raise BackendConnectionError(f"queue '{name}' is not consumed on this connection")
        return self._intakes[name]

    # -- sending

    async def post(self, letters: Sequence[Letter]) -> list[Exception | None]:
        """
        Send each to a queue that is there; one that has been deleted meanwhile is declared again.

        :return: for each None when the server has it, or why it has not
        :raises BackendConnectionError: if nothing was written
        """
        results = await self._send(letters)
        vanished = [n for n, error in enumerate(results) if isinstance(error, UnroutableError) and letters[n].queue]
        if vanished:
            again = await self._send_again([letters[n] for n in vanished])
            for n, result in zip(vanished, again, strict=True):
                results[n] = result
        return results

    def fitting(self, properties: spec.Basic.Properties) -> messages.Written:
        """Those of a copy as they travel; without its sender's headers, if there is no room for these and ours."""
        written = messages.written(properties)
        if len(written.data) <= self._room:
            return written
        self._log.warning("message %s has so many headers that it goes on without them", printable(written.id))
        return messages.written(messages.bare(properties))

    async def _send_again(self, letters: Sequence[Letter]) -> list[Exception | None]:
        for letter in letters:
            if letter.queue is not None:
                self.topology.forget(letter.queue)
        try:
            return await self._send(letters)
        except BackendConnectionError as error:  # of the others something was written, so this is no more than theirs
            return [error] * len(letters)

    async def _send(self, letters: Sequence[Letter]) -> list[Exception | None]:
        results = [await self._obstacle(letter) for letter in letters]
        free = [n for n, obstacle in enumerate(results) if obstacle is None]
        sent = await self.sender.send([letters[n] for n in free])
        for n, result in zip(free, sent, strict=True):
            results[n] = result
        return results

    async def _obstacle(self, letter: Letter) -> Exception | None:
        """Why a letter cannot be sent, if there is a reason; the lost connection of all is raised."""
        if (size := len(letter.properties.data)) > self._room:  # the server would end the connection
            return ConfigurationError(
                f"properties of {size:,} bytes, headers among them, are more than the {self._room:,} that a frame holds"
            )
        try:
            if letter.queue is not None:
                await self.topology.ensure(letter.queue)
            elif letter.exchange:
                await self.topology.ensure_exchange(letter.exchange)
        except BackendConnectionError:
            raise
        except MissingError:
            return UnroutableError(f"there is no exchange {letter.exchange!r}")
        except Exception as error:  # noqa: BLE001 - its sender is told
            return error
        return None

    # -- looking

    async def length(self, name: str, **options: object) -> int:
        """How many messages of a queue wait, those that wait for their next try or their first included."""
        ready = await self.topology.length(name, **options)
        if ready is None:
            return 0
        return ready + await self.topology.delayed(name) + await self._sent_later(name)

    async def _sent_later(self, name: str) -> int:
        total = 0
        for place in later.names(name):
            if (length := await self.topology.length(place)) is None:
                break
            total += length
        return total

    async def dead(self, name: str, limit: int) -> list[DeliveredMessage]:
        """The oldest dead letters of a queue, which stay where they are."""

        async def look(channel: aiormq.Channel) -> list[DeliveredMessage]:
            return await _look(channel, dead_place(name).name, limit)

        try:
            return await self._questions.ask(look)
        except MissingError:
            return []

    # -- taking away

    async def resend(self, name: str, letters: Sequence[DeadLetter]) -> int:
        """
        Send the messages of dead letters anew, straight to their queue, and take the letters away.

        :return: how many there were
        :raises Interrupted: if some of it may have been done
        :raises BackendConnectionError: if nothing was done
        """
        queue = self.topology.place(name)

        async def send(found: Sequence[DeliveredMessage]) -> list[Exception | None]:
            anew = [messages.written(messages.resent(message)) for message in found]
            return await self.post(
                [Letter("", name, message.body, each, queue) for message, each in zip(found, anew, strict=True)]
            )

        return await self._remove(name, letters, send)

    async def discard(self, name: str, letters: Sequence[DeadLetter]) -> int:
        """Take dead letters away, likewise."""

        async def forget(found: Sequence[DeliveredMessage]) -> list[Exception | None]:
            return [None] * len(found)

        return await self._remove(name, letters, forget)

    async def _remove(self, name: str, letters: Sequence[DeadLetter], hand_on: HandOn) -> int:
        removal = Removal(name, letters, hand_on)
        try:
            await self._questions.ask(partial(removal.look, place=dead_place(name).name))
        except MissingError:
            return removal.count
        except BackendConnectionError as error:
            raise removal.what_became_of_it(error) from error
        return removal.count


async def _look(channel: aiormq.Channel, queue: str, limit: int) -> list[DeliveredMessage]:
    """Get messages and give them back, so that whoever comes next finds them."""
    seen: list[DeliveredMessage] = []
    while len(seen) < limit:
        message = await channel.basic_get(queue)
        if isinstance(message.delivery, spec.Basic.GetEmpty):
            break
        seen.append(message)
    if seen:
        await channel.basic_nack(0, multiple=True, requeue=True)
        await channel.basic_qos(prefetch_count=0)  # its answer says that they are back
    return seen
