"""Signals over Redis's publish/subscribe."""

import logging
from collections.abc import Callable, Sequence
from typing import Unpack

from microagent.bus import AbstractSignalBus, BusOptions
from microagent.channel import Pattern
from microagent.errors import BackendConnectionError
from microagent.tools.redis.faults import Unanswered, raise_if_in_vain
from microagent.tools.redis.lines import Lines
from microagent.tools.redis.servers import SCHEMES, servers_of
from microagent.tools.redis.subscription import Subscription

ANY = ""  # a signal is published on any node of a cluster


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
        self._subscription = Subscription(self._servers.line(self._servers.address(ANY)))
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
            answers = await self._publishing.to(ANY).ask(*(("PUBLISH", channel, body) for channel, body in batch))
        except Unanswered as error:
            return [error] * len(batch)
        raise_if_in_vain(answers)
        if self._servers.counts_receivers:
            return answers
        return [answer if isinstance(answer, Exception) else None for answer in answers]

    def _post(self, publication: tuple[str, bytes], failed: Callable[[Exception], None]) -> bool:
        return self._publishing.to(ANY).post(("PUBLISH", *publication), failed)

    async def _subscribe(self, patterns: Sequence[Pattern]) -> None:
        await self._subscribed.subscribe(*(pattern.glob() for pattern in patterns))

    async def _unsubscribe(self, patterns: Sequence[Pattern]) -> None:
        await self._subscribed.unsubscribe(*(pattern.glob() for pattern in patterns))

    async def _receive(self) -> list[tuple[str, bytes]]:
        return await self._subscribed.receive()
