"""An in-memory bus and broker that record what is sent on them."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Unpack

from microagent.broker import BrokerOptions
from microagent.bus import BusOptions, Publication
from microagent.channel import RESPONSE, Channel
from microagent.delivery import Outgoing
from microagent.errors import MicroAgentError
from microagent.queue import Queue
from microagent.signal import Signal
from microagent.testing.sent import Sent, SentItem
from microagent.tools.memory import MemoryBroker, MemorySignalBus


class RecordingBus(MemorySignalBus):
    """
    An in-memory bus that records every signal and call.

    :param sent: where they are recorded
    :param options: those of :class:`MemorySignalBus`
    """

    def __init__(
        self,
        sent: Sent,
        dsn: str = "memory://",
        uid: str | None = None,
        prefix: str = "PUBSUB",
        log: logging.Logger = logging.getLogger("microagent.bus"),  # noqa: B008 - the manual's signature
        **options: Unpack[BusOptions],
    ) -> None:
        super().__init__(dsn, uid, prefix, log, **options)
        self._sent = sent

    async def _publish(self, batch: Sequence[Publication]) -> list[int | None]:
        for channel, body in batch:
            with suppress(MicroAgentError, ValueError):  # raw bytes may be anything
                self._record(Channel.parse(channel, self.prefix), body)
        return await super()._publish(batch)

    def _record(self, channel: Channel, body: bytes) -> None:
        if channel.signal != RESPONSE:
            signal = Signal.get(channel.signal)
            self._sent.add(signal, SentItem(signal.decode(body), channel.sender))


class RecordingBroker(MemoryBroker):
    """
    An in-memory broker that records every message.

    :param sent: where they are recorded
    :param options: those of :class:`MemoryBroker`
    """

    def __init__(
        self,
        sent: Sent,
        dsn: str = "memory://",
        uid: str | None = None,
        log: logging.Logger = logging.getLogger("microagent.broker"),  # noqa: B008 - the manual's signature
        **options: Unpack[BrokerOptions],
    ) -> None:
        super().__init__(dsn, uid, log, **options)
        self._sent = sent

    async def _push(self, batch: Sequence[Outgoing]) -> list[Exception | None]:
        for message in batch:
            with suppress(MicroAgentError):  # raw bytes may be anything
                self._record(Queue.get(message.queue), message)
        return await super()._push(batch)

    def _record(self, queue: Queue, message: Outgoing) -> None:
        self._sent.add(queue, SentItem(queue.decode(message.body), delay=message.delay))
