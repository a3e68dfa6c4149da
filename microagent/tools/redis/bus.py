"""Signals over Redis's publish/subscribe."""

import logging
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NoReturn, Unpack

from microagent.bus import AbstractSignalBus, BusOptions, Reached
from microagent.channel import LONGEST_REMEMBERED, REMEMBERED, Pattern
from microagent.errors import BackendConnectionError, BackendError
from microagent.tools.redis.faults import Unanswered, is_in_vain, raise_if_in_vain
from microagent.tools.redis.line import Command
from microagent.tools.redis.lines import Lines
from microagent.tools.redis.servers import SCHEMES, servers_of
from microagent.tools.redis.subscription import Subscription

ANY = ""  # a signal is published on any node of a cluster


def published(batch: Sequence[tuple[str, bytes]]) -> list[Command]:
    """The commands that publish these."""
    return [_published(channel, body) for channel, body in batch]


def _published(channel: str, body: bytes) -> Command:
    if "#" in channel or len(channel) > LONGEST_REMEMBERED:
        return ("PUBLISH", channel, body)
    return b"%b%d\r\n%b\r\n" % (_head(channel), len(body), body)


@lru_cache(REMEMBERED)
def _head(channel: str) -> bytes:
    """All that stands before the length of the body, which takes longer to write than the rest."""
    return b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$" % (len(raw := channel.encode()), raw)


class RedisSignalBus(AbstractSignalBus):
    """
    Signals over Redis::

        bus = RedisSignalBus("redis://localhost/7", prefix="MYAPP", log=custom_logger)
        await bus.user_created.send("user_agent", user_id=1)

    Channels are ``{prefix}:{signal}:{sender}``. The number of a database does not keep signals apart, a prefix does.

    :param dsn: ``redis://user:password@host:6379/0``, ``rediss://`` for TLS (``?ssl_ca_certs=ca.pem``), ``unix://path``,
        ``redis+sentinel://host:26379,host:26379/master/0`` or ``redis+cluster://host:6379,host:6379``
    :param options: those of :class:`AbstractSignalBus`
    """

    SCHEMES = SCHEMES

    def __init__(
        self,
        dsn: str,
        uid: str | None = None,
        prefix: str = "PUBSUB",
        log: logging.Logger = logging.getLogger("microagent.bus"),  # noqa: B008 - the manual's signature
        **options: Unpack[BusOptions],
    ) -> None:
        super().__init__(dsn, uid, prefix, log, **options)
        self._servers = servers_of(dsn)
        self._publishing = Lines(self._servers, lambda: self._link.look(self._publishing.to(ANY).check))
        self._subscription: Subscription | None = None

    async def _open(self) -> None:
        await self._servers.find()
        await self._publishing.to(ANY).check()
        self._subscription = Subscription(self._servers.line(self._servers.address(ANY)), self._hand_out)
        await self._subscription.open()

    async def _close(self) -> None:
        if self._subscription is not None:
            await self._subscription.close()
        await self._publishing.close()

    @property
    def _subscribed(self) -> Subscription:
        if self._subscription is None:
            raise BackendConnectionError(f"{self!r} is closed")
        return self._subscription

    async def _publish(self, batch: Sequence[tuple[str, bytes]]) -> Sequence[int | Exception | None]:
        try:
            answers = await self._publishing.to(ANY).ask(*published(batch))
        except Unanswered as error:
            return [error] * len(batch)
        raise_if_in_vain(answers)
        return self._reached(answers)

    def _begin(self, batch: Sequence[tuple[str, bytes]], told: Callable[[Reached | None], None], *, idly: bool) -> bool:
        def answered(answers: list[Any] | BackendError) -> None:
            answers = [answers] * len(batch) if isinstance(answers, BackendError) else answers
            told(None if is_in_vain(answers) else self._reached(answers))

        return self._publishing.to(ANY).begin(published(batch), answered, idly=idly)

    def _reached(self, answers: list[Any]) -> Reached:
        if self._servers.counts_receivers:
            return answers
        return [answer if isinstance(answer, Exception) else None for answer in answers]

    async def _subscribe(self, patterns: Sequence[Pattern]) -> None:
        await self._subscribed.subscribe(*(pattern.glob() for pattern in patterns))

    async def _unsubscribe(self, patterns: Sequence[Pattern]) -> None:
        await self._subscribed.unsubscribe(*(pattern.glob() for pattern in patterns))

    async def _receive(self) -> NoReturn:
        await self._subscribed.ended()
