"""What a broker holds while it is connected: clients for sending, for asking, and one for each queue it reads."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from microagent.errors import BackendConnectionError, BackendError, ConfigurationError
from microagent.execution import describe
from microagent.tools.kafka import driver
from microagent.tools.kafka.connecting import Address
from microagent.tools.kafka.deadletters import DeadLetters
from microagent.tools.kafka.errors import translated
from microagent.tools.kafka.intake import Intake
from microagent.tools.kafka.ledger import Order
from microagent.tools.kafka.portions import LARGEST, Letter
from microagent.tools.kafka.questions import Questions
from microagent.tools.kafka.sending import Sender
from microagent.tools.kafka.topics import Creation, Topics

BATCH = 2**20  # bytes of messages that are written together
CLOSE_TIMEOUT = 5.0  # seconds for a client to take leave
PATIENCE = 10_000  # milliseconds for an answer
NEVER = 2**31 - 1  # milliseconds, 24 days; handlers have timeouts of their own


class Session:
    """
    One connection of a broker, as far as it knows only one.

    :param name: what the server lists its clients under
    :param partitions: of new topics; None: as many as the server gives them
    :param send_timeout: seconds after which an acknowledgement is not waited for any more
    :param lease: seconds after which a group gives up on a silent member
    """

    def __init__(
        self,
        address: Address,
        name: str,
        *,
        partitions: int | None,
        send_timeout: float,
        lease: float,
        log: logging.Logger,
    ) -> None:
        self._idempotent = address.idempotent
        self._clients: dict[str, Any] = {**address.options(), "client_id": name}
        self._lease = lease
        self._log = log
        self._loop = asyncio.get_running_loop()
        patience = round(send_timeout * 1000)
        self._admin = driver.admin(request_timeout_ms=patience, **self._clients)
        self._intakes: dict[str, Intake] = {}
        self._creation = Creation(self._admin, partitions)
        self.sender = Sender(partial(self._producer, send_timeout), send_timeout)
        quick = {"retry_backoff_ms": 10, "fetch_max_wait_ms": 50, "auto_offset_reset": "earliest"}
        reader = partial(driver.consumer, group_id=None, request_timeout_ms=patience, **quick, **self._clients)
        self.questions = Questions(self._admin, reader)
        self.dead_letters = DeadLetters(self.questions, self._admin, self._creation, self.post, log)

    def _producer(self, timeout: float) -> driver.Producer:
        return driver.producer(
            idempotent=self._idempotent,
            request_timeout_ms=round(timeout * 1000),
            max_request_size=LARGEST,
            max_batch_size=BATCH,
            **self._clients,
        )

    def _consumer(self, group: str) -> driver.Consumer:
        lease = round(self._lease * 1000)
        return driver.consumer(
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=lease,
            heartbeat_interval_ms=max(lease // 10, 1),
            max_poll_interval_ms=NEVER,
            request_timeout_ms=lease + PATIENCE,  # the server answers when all members have come, or are given up
            **self._clients,
        )

    async def open(self) -> None:
        """
        Connect.

        :raises BackendConnectionError: if the server is away
        """
        with translated():
            await self._admin.start()
        await self.sender.start()

    @property
    def is_connected(self) -> bool:
        """Whether a server is there, as far as that is known without asking it."""
        readers = [intake.is_connected for intake in self._intakes.values()]
        return any([driver.is_connected(self._admin), self.sender.is_connected, *readers])

    async def close(self) -> None:
        """Everything, in the reverse order; what was opened on another loop ended with it."""
        if self._loop is not asyncio.get_running_loop():
            return
        for name in tuple(self._intakes):
            await self.leave(name)
        for close in (self.questions.close, self.sender.close, self._admin.close):
            await self._let_go(close())

    async def _let_go(self, closing: Any) -> None:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await closing
        except Exception as error:  # noqa: BLE001 - what is broken may not even close, and is left all the same
            self._log.warning("A client of Kafka did not end well: %s", describe(error))

    async def post(self, letters: Sequence[Letter]) -> list[Exception | None]:
        """Send, having made sure of the topics; see Sender.send."""
        refusals = {topic: await self._refusal(topic) for topic in {letter.topic: None for letter in letters}}
        told = iter(await self.sender.send([letter for letter in letters if refusals[letter.topic] is None]))
        return [refusals[letter.topic] or next(told) for letter in letters]

    def begin(self, letters: Sequence[Letter], told: Callable[[Sequence[Exception | None]], None]) -> bool:
        """Likewise, in this turn of the loop, if that can be; see Sender.begin."""
        return all(self._creation.has(letter.topic) for letter in letters) and self.sender.begin(letters, told)

    async def _refusal(self, topic: str) -> Exception | None:
        """Why there is no such topic, and none can be made; it stops no message to another one."""
        try:
            await self._creation.queue(topic)
        except BackendConnectionError:
            raise
        except (BackendError, ConfigurationError) as error:
            return error
        return None

    async def consume(self, topics: Topics, order: Order, patience: float) -> None:
        """
        Read a queue from now on; see Intake.start.

        :raises AuthError: if the server does not let us
        :raises ConfigurationError: if it does not take the lease
        """
        await self.leave(topics.queue)
        await self._creation.all(topics)
        make = partial(self._consumer, topics.group)
        intake = Intake(topics, make, self._admin, order=order, patience=self._lease / 3, log=self._log)
        try:
            await intake.start(patience)
        except BaseException:
            await self._let_go(intake.close())
            raise
        self._intakes[topics.queue] = intake

    async def leave(self, name: str) -> None:
        """Read a queue no more."""
        intake = self._intakes.pop(name, None)
        if intake is not None:
            await self._let_go(intake.close())

    def intake(self, name: str) -> Intake:
        """
        Of a queue that is read.

        :raises BackendConnectionError: if it is not, or no longer
        """
        if name not in self._intakes:
            raise BackendConnectionError("not connected")
        return self._intakes[name]
