"""Queues of ``local://``."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Unpack

import msgspec

from microagent.broker import AbstractQueueBroker, BrokerOptions, Stored
from microagent.counted import CountedLog
from microagent.delivery import DeadLetter, Delivery, Outgoing
from microagent.errors import BackendConnectionError, BackendError, ConfigurationError, QueueSerializingError
from microagent.headers import as_text
from microagent.tools.local.folder import SCHEME, folder_path
from microagent.tools.local.session import Session
from microagent.tools.local.store import Row, Store

SYNCHRONOUS = ("FULL", "NORMAL", "OFF")
LONGEST = 256 * 1024 * 1024  # bytes of a message
SWEEP = 1.0  # seconds between two checks for dead processes and expired leases
PAUSE = 1.0  # seconds until verdicts that could not be stored are tried again


class LocalBroker(AbstractQueueBroker):
    """
    Queues between the processes of one machine, stored in a SQLite file; needs no server::

        broker = LocalBroker("local://")                   # in .microagent of the working directory
        broker = LocalBroker("local:///var/lib/shop/bus")

    A message survives the end of every process, ``kill -9`` included; what a dead process held comes again at once.

    Option of ``send``: ``headers``, a dictionary of texts.

    :param dsn: ``local://`` and the path of a folder, which is made for this user alone
    :param synchronous: ``"FULL"``: when ``send`` returns, the message survives the loss of power too. ``"NORMAL"``:
        quicker, the loss of power may take what was sent last. ``"OFF"``: it may take the whole file
    :param options: those of :class:`AbstractQueueBroker`
    """

    SCHEMES = frozenset({SCHEME})
    SEND_OPTIONS = frozenset({"headers"})

    def __init__(
        self,
        dsn: str = "local://",
        uid: str | None = None,
        log: logging.Logger = logging.getLogger("microagent.broker"),  # noqa: B008 - the manual's signature
        *,
        synchronous: Literal["FULL", "NORMAL", "OFF"] = "FULL",
        **options: Unpack[BrokerOptions],
    ) -> None:
        super().__init__(dsn, uid, log, **options)
        if synchronous not in SYNCHRONOUS:
            raise ConfigurationError(f"synchronous={synchronous!r} has to be one of {', '.join(SYNCHRONOUS)}")
        self._synchronous = synchronous
        self._opened: Session | None = None
        self._due: dict[
            str, float | None
        ] = {}  # when the next delayed message of a queue is due, in seconds since the epoch
        self._stuck = CountedLog(
            log, "%r cannot store what became of its messages (tried %d times), and tries again", arguments=(self,)
        )

    @property
    def _session(self) -> Session:
        if self._opened is None:
            raise BackendConnectionError(f"{self!r} is closed")
        return self._opened

    async def _open(self) -> None:
        self._opened = await Session.open(folder_path(self.dsn), self._synchronous, self.log)

    async def _close(self) -> None:
        if self._opened is not None:
            session, self._opened = self._opened, None
            await session.close()

    async def _push(self, batch: Sequence[Outgoing]) -> Sequence[Exception | None]:
        results = [_refusal(message) for message in batch]
        accepted = [message for message, error in zip(batch, results, strict=True) if error is None]
        await self._session.submit(_pushing(accepted), durable=True)
        return results

    def _begin(self, batch: Sequence[Outgoing], told: Callable[[Stored | None], None]) -> bool:
        if self._opened is None or any(len(message.body) > LONGEST for message in batch):
            return False

        def committed(error: Exception | None) -> None:
            told([error] * len(batch))

        self._opened.begin(_pushing(batch), committed)
        return True

    async def _take(self, name: str, limit: int) -> list[Delivery]:
        session = self._session
        await session.doorbell.subscribe(name)
        session.doorbell.clear(name)
        deliveries, self._due[name] = await session.submit(lambda store: store.take(name, limit, self._lease))
        return deliveries

    async def _wait(self, name: str, timeout: float) -> None:
        due = self._due.get(name)
        if due is not None:
            timeout = min(timeout, max(0.0, due - time.time()))
        await self._session.doorbell.wait(name, timeout)

    async def _settle(self, batch: Sequence[Delivery]) -> None:
        while True:
            try:
                return await self._session.submit(lambda store: store.settle(batch))
            except BackendConnectionError:
                raise
            except BackendError:
                self._stuck.add()
                await asyncio.sleep(PAUSE)

    async def _renew(self, held: Sequence[Delivery]) -> set[Delivery]:
        lost = await self._session.submit(lambda store: store.renew([each.token for each in held], self._lease))
        return {delivery for delivery in held if delivery.token in lost}

    async def _maintain(self, name: str) -> float:
        await self._session.reap()
        return min(SWEEP, self._lease / 4)

    async def _length(self, name: str) -> int:
        return await self._session.submit(lambda store: store.length(name))

    async def _dead(self, name: str, limit: int) -> list[DeadLetter]:
        return await self._session.submit(lambda store: store.dead(name, limit))

    async def _resend(self, name: str, letters: Sequence[DeadLetter]) -> int:
        return await self._session.submit(lambda store: store.resend(name, letters), durable=True)

    async def _discard(self, name: str, letters: Sequence[DeadLetter]) -> int:
        return await self._session.submit(lambda store: store.discard(name, letters), durable=True)

    async def _detach(self, name: str) -> None:
        await self._session.doorbell.unsubscribe(name)


def _pushing(batch: Sequence[Outgoing]) -> Callable[[Store], None]:
    """What puts them into the store, in one transaction."""
    messages = [_row(message) for message in batch if not message.delay]
    later = [message for message in batch if message.delay]

    def push(store: Store) -> None:
        store.push(messages)
        if later:
            store.push_later([_row(message) for message in later], [each.delay for each in later])

    return push


def _row(message: Outgoing) -> Row:
    return message.queue, message.body, _headers(message.options) if message.options else None


def _headers(options: Mapping[str, Any]) -> str | None:
    headers: Mapping[str, str | bytes] = options.get("headers") or {}
    said = {name: as_text(value) for name, value in headers.items()}
    return msgspec.json.encode(said).decode() if said else None


def _refusal(message: Outgoing) -> Exception | None:
    if len(message.body) > LONGEST:
        return QueueSerializingError(f"a message of {len(message.body)} bytes is more than the {LONGEST} of local://")
    return None
