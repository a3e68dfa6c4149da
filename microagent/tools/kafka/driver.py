"""The driver (aiokafka) as far as it is used here, with the types that it does not have itself."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, conn
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import OffsetAndMetadata as Mark
from aiokafka.structs import TopicPartition as Partition

from microagent.counted import Seldom
from microagent.tools.kafka.assignor import EvenAssignor

STOP_TIMEOUT = 3.0  # seconds for a consumer to take leave of its group, or a connection to close
PATIENCE = 1.0  # seconds that the driver may have messages of a partition before it asks for those of others alone
IDLE, BUSY = 500, 50  # milliseconds until a server says that there are no messages

TALKERS = (
    "aiokafka",
    "aiokafka.admin.client",
    "aiokafka.cluster",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.producer.sender",
)
SECONDS_OF_QUIET = 10.0  # between two lines of one of them that say the same

__all__ = ["Admin", "Batch", "Consumer", "Mark", "NewTopic", "Partition", "Producer", "Record"]


class Record(Protocol):
    """A message as it lies in a partition."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


Records = Mapping[Partition, Sequence[Record]]
Listening = Callable[[set[Partition]], Coroutine[Any, Any, None]]


class Consumer(Protocol):
    """AIOKafkaConsumer."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def subscribe(self, topics: Sequence[str], *, listener: Any) -> None: ...
    def assign(self, partitions: Sequence[Partition]) -> None: ...
    def seek(self, partition: Partition, offset: int) -> None: ...
    async def getmany(self, *partitions: Partition, timeout_ms: int = 0, max_records: int | None = None) -> Records: ...
    def commit(self, offsets: Mapping[Partition, Mark]) -> Coroutine[Any, Any, None]: ...
    async def position(self, partition: Partition) -> int: ...
    async def beginning_offsets(self, partitions: Sequence[Partition]) -> Mapping[Partition, int]: ...
    async def end_offsets(self, partitions: Sequence[Partition]) -> Mapping[Partition, int]: ...


class Batch(Protocol):
    """Messages for one partition; one that is full takes no more and says None."""

    def append(
        self, *, timestamp: int | None, key: bytes | None, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> object | None: ...


class Producer(Protocol):
    """AIOKafkaProducer."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def partitions_for(self, topic: str) -> Collection[int]: ...
    def create_batch(self) -> Batch: ...
    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> "asyncio.Future[object]": ...


class NewTopic(NamedTuple):
    """A topic to be created; -1: as the server does by default, which the driver's own class does not let one say."""

    name: str
    num_partitions: int = -1
    replication_factor: int = -1
    replica_assignments: Mapping[int, Sequence[int]] = {}
    topic_configs: Mapping[str, str] = {}


class Admin(Protocol):
    """AIOKafkaAdminClient."""

    async def start(self) -> None: ...
    async def close(self) -> None: ...
    async def create_topics(self, new_topics: Sequence[NewTopic]) -> Any: ...
    async def describe_topics(self) -> Sequence[Mapping[str, Any]]: ...
    async def list_consumer_group_offsets(
        self, group_id: str, *, partitions: Sequence[Partition]
    ) -> Mapping[Partition, Mark]: ...
    async def delete_records(self, records_to_delete: Mapping[Partition, Any]) -> Any: ...


def consumer(**options: Any) -> Consumer:
    """A consumer that is not started yet; in a group, one that keeps its partitions where it can."""
    return cast("Consumer", cast("Any", AIOKafkaConsumer)(partition_assignment_strategy=(_sticky(),), **options))


def producer(*, idempotent: bool, **options: Any) -> Producer:
    """A producer that is not started yet; idempotent: what is written more than once is stored only once."""
    return cast("Producer", cast("Any", AIOKafkaProducer)(enable_idempotence=idempotent, acks="all", **options))


async def partitions(producer: Producer, topic: str) -> tuple[Sequence[int], Sequence[int]]:
    """All partitions of a topic, and those that can be written to now; if that is none, all of them."""
    every = sorted(await producer.partitions_for(topic))
    available = cast("Any", producer).client.cluster.available_partitions_for_topic(topic)
    return every, sorted(available) or every


async def end(consumer: Consumer) -> None:
    """
    Stop it, for good.

    While its server is away, the driver's own stop may take for ever, or be cut short by the cancellation of a task of
    its own; what is open then is closed here.
    """
    inner = cast("Any", consumer)
    stopping = asyncio.create_task(consumer.stop())
    try:
        await asyncio.wait([stopping], timeout=STOP_TIMEOUT)
    finally:
        left = [stopping, *(inner._fetcher._pending_tasks if inner._fetcher is not None else ())]
        for task in left:
            task.cancel()
        await asyncio.wait(left)
        await inner._client.close()
    if not stopping.cancelled():
        stopping.result()


def ask_for(consumer: Consumer, topics: Iterable[str]) -> None:
    """Have it ask again for topics that its server did not know yet; by itself, it does so every five minutes."""
    client = cast("Any", consumer)._client
    if any(client.cluster.partitions_for_topic(topic) is None for topic in topics):
        client.force_metadata_update()


async def begin(consumer: Consumer) -> None:
    """
    Start it.

    The driver asks a server one question at a time, and not for partitions of which it still has messages. After a
    tenth of a second it would ask for the other ones alone, and read nothing on until the server has said that these
    have none; with so many messages of a busy partition, that is most of the time.
    """
    await consumer.start()
    inner = cast("Any", consumer)
    inner._fetcher._prefetch_backoff = PATIENCE
    inner._coordinator._do_commit_offsets = _to_be_left(inner._coordinator._do_commit_offsets)


def _to_be_left(commit: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., Coroutine[Any, Any, None]]:
    """What runs in a task of the driver's own, which goes on when nobody waits for it any more and may fail then."""

    async def left(*arguments: Any) -> None:
        if (task := asyncio.current_task()) is not None:
            task.add_done_callback(_retrieved)
        await commit(*arguments)

    return left


def _retrieved(task: "asyncio.Task[Any]") -> None:
    """Who waits for it is told all the same; if nobody does, that is no news to the loop."""
    if not task.cancelled():
        task.exception()


def read_on(consumer: Consumer, *, is_busy: bool) -> None:
    """While we are busy, the server is to say soon that there are no messages: others may have come meanwhile."""
    cast("Any", consumer)._fetcher._fetch_max_wait_ms = BUSY if is_busy else IDLE


async def abandon(producer: Producer) -> None:
    """Stop it without what it has not delivered; its own stop waits until all is, however long that takes."""
    inner = cast("Any", producer)
    inner._closed = True
    await inner._sender.close()
    await inner.client.close()


def admin(**options: Any) -> Admin:
    """A client for questions and topics, not started yet."""
    return cast("Admin", AIOKafkaAdminClient(**options))


def is_connected(client: Admin | Consumer | Producer) -> bool:
    """Whether one of its connections stands; each that breaks is noticed at once, and opened again by the driver."""
    inner = cast("Any", client)
    connections = getattr(inner, "_client", None) or inner.client
    return any(connection.connected() for connection in connections._conns.values())


def term(consumer: Consumer) -> tuple[str, int]:
    """As which member, in which generation of its group; what it was given is its own as long as this stays."""
    coordinator = cast("Any", consumer)._coordinator
    return coordinator.member_id, coordinator.generation


async def committed(admin: Admin, group: str, places: Collection[Partition]) -> Mapping[Partition, Mark]:
    """What a group has committed of these partitions; where it has nothing yet, they are left out."""
    if not places:
        return {}
    marks = await admin.list_consumer_group_offsets(group, partitions=[*places])
    return {place: mark for place, mark in marks.items() if mark.offset >= 0}


async def forget(admin: Admin, firsts: Mapping[Partition, int]) -> None:
    """Have the servers delete what lies before these offsets."""
    before = cast("Any", RecordsToDelete)
    await admin.delete_records({place: before(first) for place, first in firsts.items()})


async def knock(host: str, port: int, **options: Any) -> None:
    """Connect, authenticate, and leave; what goes wrong is raised, where the clients only log it."""
    connection = cast("Any", conn).AIOKafkaConnection(host, port, **options)
    try:
        await connection.connect()
    finally:
        closed = connection.close()
        if connection._protocol is not None:  # without one, it was never open
            await asyncio.wait([closed], timeout=STOP_TIMEOUT)


def listener(revoked: Listening, assigned: Listening) -> object:
    """What a consumer tells of its partitions; it waits for either to end."""
    return _Listener(revoked, assigned)


class _Listener(ConsumerRebalanceListener):
    def __init__(self, revoked: Listening, assigned: Listening) -> None:
        self._revoked = revoked
        self._assigned = assigned

    def on_partitions_revoked(self, revoked: Iterable[Partition]) -> Any:  # a coroutine is waited for
        return self._revoked(set(revoked))

    def on_partitions_assigned(self, assigned: Iterable[Partition]) -> Any:
        return self._assigned(set(assigned))


def _sticky() -> type[EvenAssignor]:
    """An assignor keeps what it knows in its class, so each consumer has one of its own."""
    return type("EvenAssignor", (EvenAssignor,), {})


def _tells_no_password(record: logging.LogRecord) -> bool:
    """At DEBUG, the driver logs every request, with the credentials in it."""
    arguments = record.args if isinstance(record.args, tuple) else ()
    return not any(type(argument).__name__.startswith("SaslAuthenticate") for argument in arguments)


def _quieten() -> None:
    """
    The driver tells at INFO of every step that a group takes; who wants to read that sets its level.

    While the server is away, each of its parts says so many times a second.
    """
    log = logging.getLogger("aiokafka")
    if log.level == logging.NOTSET:
        log.setLevel(logging.WARNING)
    logging.getLogger("aiokafka.conn").addFilter(_tells_no_password)
    for name in TALKERS:
        logging.getLogger(name).addFilter(Seldom(SECONDS_OF_QUIET))


_quieten()
