"""The queue broker on Kafka."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

from microagent import arguments
from microagent.broker import AbstractQueueBroker, BrokerOptions, Consumer, Stored
from microagent.consuming import ConsumingOptions
from microagent.delivery import DeadLetter, Delivery, Outgoing
from microagent.errors import BackendConnectionError, ConfigurationError
from microagent.tools.kafka import messages
from microagent.tools.kafka.connecting import Address
from microagent.tools.kafka.portions import Letter
from microagent.tools.kafka.session import Session
from microagent.tools.kafka.topics import Topics
from microagent.tools.kafka.verdicts import carry_out, is_lost

JOIN = 5.0  # seconds that a start waits for its place in a group
TIDY = 1.0  # seconds between tries to do what could not be done
ORDERS = ("key", "partition")


class KafkaBroker(AbstractQueueBroker):
    """
    Queues on Kafka: a topic for each, read by a consumer group of the same name.

    Offsets are committed when handlers have ended, never beyond a message that is not handled; what is handled beyond
    it is noted with the commit, and not run again. Messages start in the order of their partition, those of one key
    one at a time. A failed message waits in a retry topic, while others go on; one that is given up goes to
    ``{name}.dead``. Topics that are missing are created.

    Options of ``send``:

    - ``key``: a text or bytes; messages of one key go to one partition
    - ``partition``: its number, in place of a key
    - ``headers``: a dictionary of texts or bytes

    Options of ``@consumer``:

    - ``group``: of its own, to get every message that another group gets too
    - ``order``: ``"partition"`` to handle the messages of a partition one at a time, ``"key"`` (default) those of a key

    :param dsn: ``kafka://host:9092,host:9092``, ``kafka://user:password@host``; its options are ``security_protocol``,
        ``sasl_mechanism``, ``ssl_cafile``, ``ssl_certfile``, ``ssl_keyfile`` and ``idempotent``, which can be said as
        arguments too
    :param group: the consumer group, in place of one for each queue, named as the queue
    :param partitions: of topics that are created here; without it, as many as the server gives them
    :param security_protocol: ``PLAINTEXT``, ``SSL``, ``SASL_PLAINTEXT`` or ``SASL_SSL``; without it, what the rest says
    :param sasl_mechanism: ``PLAIN`` (default), ``SCRAM-SHA-256``, ``SCRAM-SHA-512``, ``OAUTHBEARER`` or ``GSSAPI``
    :param ssl_cafile: path of the certificates to trust
    :param ssl_certfile: path of our own certificate
    :param ssl_keyfile: path of its key
    :param ssl_context: in place of these files
    :param idempotent: whether the server stores a message once, however often it is written (default); False for
        servers that cannot, where a message that is written again after a broken connection may come twice
    :param token_provider: for ``OAUTHBEARER``, aiokafka's ``AbstractTokenProvider``
    :param options: those of every broker; ``lease`` is the group's session timeout
    """

    SCHEMES = frozenset({"kafka"})
    CONSUMER_OPTIONS = frozenset({"group", "order"})
    SEND_OPTIONS = frozenset({"key", "partition", "headers"})
    NO_DELAY = (
        "a topic is read in its order, by groups that its sender does not know; keep what is to come later in a queue "
        "of another backend, and let its consumer send it here"
    )

    def __init__(
        self,
        dsn: str,
        uid: str | None = None,
        log: logging.Logger = logging.getLogger("microagent.broker"),  # noqa: B008 - the manual's signature
        *,
        group: str | None = None,
        partitions: int | None = None,
        security_protocol: str | None = None,
        sasl_mechanism: str | None = None,
        ssl_cafile: str | None = None,
        ssl_certfile: str | None = None,
        ssl_keyfile: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        idempotent: bool | None = None,
        token_provider: Any = None,
        **options: Unpack[BrokerOptions],
    ) -> None:
        super().__init__(dsn, uid, log, **options)
        said = {
            "security_protocol": security_protocol,
            "sasl_mechanism": sasl_mechanism,
            "ssl_cafile": ssl_cafile,
            "ssl_certfile": ssl_certfile,
            "ssl_keyfile": ssl_keyfile,
            "idempotent": None if idempotent is None else str(idempotent),
        }
        self._address = Address(dsn, said, ssl_context, token_provider)
        self._group = None if group is None else arguments.name(group, "group")
        self._partitions = None if partitions is None else arguments.count("partitions", partitions)
        self._session: Session | None = None

    # -- what the core asks for

    @property
    def _live(self) -> Session:
        if self._session is None:
            raise BackendConnectionError("not connected")
        return self._session

    async def _open(self) -> None:
        await self._address.probe()
        self._session = Session(
            self._address,
            f"microagent-{self.uid}",
            partitions=self._partitions,
            send_timeout=self._send_timeout,
            lease=self._lease,
            log=self.log,
        )
        await self._session.open()

    async def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _is_connected(self) -> bool:
        """The driver connects again by itself, so that the link notices the less."""
        return super()._is_connected() and self._session is not None and self._session.is_connected

    async def _push(self, batch: Sequence[Outgoing]) -> Stored:
        results: list[Exception | None] = [None] * len(batch)
        letters: dict[int, Letter] = {}
        for n, outgoing in enumerate(batch):
            try:
                letters[n] = _letter(outgoing)
            except ConfigurationError as error:
                results[n] = error
        for n, result in zip(letters, await self._live.post(list(letters.values())), strict=True):
            results[n] = result
        return results

    def _begin(self, batch: Sequence[Outgoing], told: Callable[[Stored | None], None]) -> bool:
        try:
            letters = [_letter(outgoing) for outgoing in batch]
        except ConfigurationError:
            return False  # it is told to whom it concerns, and the others are sent
        return self._session is not None and self._session.begin(letters, told)

    def _check_consumer(self, consumer: Consumer, options: Mapping[str, Any]) -> None:
        super()._check_consumer(consumer, options)
        if options.get("order", ORDERS[0]) not in ORDERS:
            raise ConfigurationError(f"{consumer.key}: order={options['order']!r} is to be 'key' or 'partition'")

    async def _attach(self, consumer: Consumer, options: ConsumingOptions) -> None:
        topics = self._topics(consumer.queue.name, options.backend.get("group"))
        patience = JOIN if self._link.is_open else 0  # who sends meanwhile is not to wait for a group
        await self._live.consume(topics, options.backend.get("order", ORDERS[0]), patience)

    async def _detach(self, name: str) -> None:
        await self._live.leave(name)

    def _topics(self, name: str, group: str | None = None) -> Topics:
        return Topics(name, group or self._group or name)

    async def _take(self, name: str, limit: int) -> list[Delivery]:
        intake = self._live.intake(name)
        if not intake.is_telling:
            await asyncio.sleep(0)  # what is to be committed is on its way before more is handled
        return intake.take(limit)

    async def _wait(self, name: str, timeout: float) -> None:
        await self._live.intake(name).wait(timeout)

    async def _settle(self, batch: Sequence[Delivery]) -> None:
        await carry_out(self._live.sender, batch, self.log)

    async def _renew(self, held: Sequence[Delivery]) -> set[Delivery]:
        """The driver keeps our place in the group; what is held is ours as long as its partition is."""
        return set(filter(is_lost, held))

    async def _maintain(self, name: str) -> float:
        await self._live.intake(name).tend()
        return TIDY

    async def _length(self, name: str, group: str | None = None) -> int:
        return await self._live.questions.lag(self._topics(name, group or self._group_of(name)))

    def _group_of(self, name: str) -> str | None:
        """The group that reads the queue here, if it is read here."""
        worker = self._workers.get(name)
        return None if worker is None else worker.options.backend.get("group")

    async def _dead(self, name: str, limit: int) -> list[DeadLetter]:
        records = await self._live.dead_letters.oldest(self._topics(name), limit)
        return [messages.dead_letter(name, record) for record in records]

    async def _resend(self, name: str, letters: Sequence[DeadLetter]) -> int:
        return await self._live.dead_letters.resend(self._topics(name), letters)

    async def _discard(self, name: str, letters: Sequence[DeadLetter]) -> int:
        return await self._live.dead_letters.discard(self._topics(name), letters)


def _letter(outgoing: Outgoing) -> Letter:
    options = outgoing.options
    if not options:
        return Letter(outgoing.queue, outgoing.body)
    return Letter(
        outgoing.queue,
        outgoing.body,
        messages.key(options.get("key")),
        messages.fresh(options.get("headers")),
        options.get("partition"),
    )
