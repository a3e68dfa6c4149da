"""A member of a group: what it takes, and what becomes of it when partitions come and go."""

import asyncio
import logging
from typing import Any

import pytest
from aiokafka.errors import CommitFailedError, KafkaConnectionError, TopicAuthorizationFailedError
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata, TopicPartition
from support import until

from microagent import AuthError, BackendConnectionError
from microagent.tools.kafka.intake import Intake
from microagent.tools.kafka.ledger import WAITING
from microagent.tools.kafka.topics import Topics
from microagent.tools.kafka.verdicts import is_lost

ONE, TWO = TopicPartition("q", 0), TopicPartition("q", 1)


class Group:
    """The driver's consumer and admin client, and the group behind them."""

    def __init__(self) -> None:
        self.committed: dict[TopicPartition, OffsetAndMetadata] = {}
        self.commits = 0
        self.sought: list[tuple[TopicPartition, int]] = []
        self.arrived: asyncio.Queue[dict[TopicPartition, list[Any]]] = asyncio.Queue()
        self.beside: dict[TopicPartition, list[Any]] = {}  # what is there for who does not wait
        self.failure: Exception | None = None
        self.unknown: set[str] = set()
        self.looks = 0
        self.asked = 0
        self.answering = asyncio.Event()
        self.answering.set()
        self.taking = asyncio.Event()
        self.taking.set()
        self._client = self._fetcher = self.cluster = self._coordinator = self
        self.member_id, self.generation = "us", 1

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return None if topic in self.unknown else {0, 1}

    def force_metadata_update(self) -> None:
        self.looks += 1

    async def start(self) -> None:
        pass

    def subscribe(self, topics: Any, listener: Any) -> None:
        self.listener = listener

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.sought.append((place, offset))

    async def getmany(self, *places: TopicPartition, timeout_ms: int, max_records: int) -> Any:
        if timeout_ms:
            return await self.arrived.get()
        return {place: self.beside.pop(place) for place in places if place in self.beside}

    async def _do_commit_offsets(self) -> None: ...

    async def commit(self, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
        self.commits += 1
        if self.failure is not None:
            raise self.failure
        await self.taking.wait()
        self.committed.update(offsets)

    async def list_consumer_group_offsets(
        self, group: str, *, partitions: list[TopicPartition]
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        answer = dict(self.committed)
        await self.answering.wait()
        return answer


@pytest.fixture
def group() -> Group:
    return Group()


@pytest.fixture
async def intake(group: Any) -> Intake:
    log = logging.getLogger("microagent.broker")
    intake = Intake(Topics("q", "q"), lambda: group, group, order="key", patience=0.05, log=log)
    await intake.start(patience=0)
    return intake


def records(place: TopicPartition, *offsets: int) -> dict[TopicPartition, list[Any]]:
    return {place: [ConsumerRecord(*place, offset, 0, 0, None, b"{}", None, -1, 2, ()) for offset in offsets]}


async def arrive(intake: Intake, group: Group, batch: dict[TopicPartition, list[Any]]) -> None:
    group.arrived.put_nowait(batch)
    await intake.wait(5)


def handle(delivery: Any) -> None:
    _, ledger, record = delivery.token
    ledger.handle([record.offset])


def ids(deliveries: list[Any]) -> list[str]:
    return [delivery.id for delivery in deliveries]


async def do_without_us(group: Group, place: TopicPartition, others: OffsetAndMetadata) -> None:
    """We stood still, and the group has given the partition to others, which have committed this."""
    group.committed[place] = others
    group.failure = CommitFailedError("the member is unknown")
    await group.listener.on_partitions_revoked({place})
    group.failure = None


async def test_partitions_take_turns(group: Group, intake: Intake):
    """A busy one does not starve the others."""
    await group.listener.on_partitions_assigned({ONE})
    await group.listener.on_partitions_assigned({ONE, TWO})
    await arrive(intake, group, records(ONE, *range(9)) | records(TWO, *range(9)))
    first = [ids(intake.take(1))[0] for _ in range(4)]
    assert first == ["q/0/0", "q/1/0", "q/0/1", "q/1/1"]


async def test_partition_does_not_stand_behind_what_waits_in_others(group: Group, intake: Intake):
    """While one has messages for a long time, others are read too; of what is there, more is left where it is."""
    await group.listener.on_partitions_assigned({ONE, TWO})
    await arrive(intake, group, records(ONE, *range(9)))
    group.beside = records(TWO, 0) | records(ONE, 9)
    await intake.tend()
    assert "q/1/0" in ids(intake.take(99))
    assert group.beside == records(ONE, 9)


async def test_waiting_that_is_cancelled_loses_nothing(group: Group, intake: Intake):
    """What arrives afterwards is there for the next one who waits."""
    await group.listener.on_partitions_assigned({ONE})
    waiting = asyncio.create_task(intake.wait(5))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await arrive(intake, group, records(ONE, 0, 1))
    assert ids(intake.take(9)) == ["q/0/0", "q/0/1"]


async def test_released_message_wakes_who_waits(group: Group, intake: Intake):
    """It comes again at once."""
    await group.listener.on_partitions_assigned({ONE})
    await arrive(intake, group, records(ONE, 0))
    (delivery,) = intake.take(9)
    waiting = asyncio.create_task(intake.wait(60))
    await asyncio.sleep(0)
    delivery.token[1].release(0)
    await intake.settled()
    await asyncio.wait_for(waiting, 5)
    assert ids(intake.take(9)) == ["q/0/0"]


async def test_handled_message_wakes_nobody_for_nothing(group: Group, intake: Intake):
    """Who waits goes on when there is something to take, such as the next message of a key."""
    await group.listener.on_partitions_assigned({ONE})
    batch = records(ONE, 0, 1, 2)
    for record in batch[ONE][1:]:
        record.key = b"k"
    await arrive(intake, group, batch)
    plain, first = intake.take(9)
    waiting = asyncio.create_task(intake.wait(60))
    await asyncio.sleep(0)
    handle(plain)
    await intake.settled()
    assert intake._waiting is not None
    assert intake._waiting.when() != 0  # it was not told to go on
    handle(first)
    await intake.settled()
    await asyncio.wait_for(waiting, 5)
    assert ids(intake.take(9)) == ["q/0/2"]


async def test_reading_goes_on_when_there_is_room_again(group: Group, intake: Intake):
    """A partition of which enough waits is read no further until some of it is taken and handled."""
    await group.listener.on_partitions_assigned({ONE})
    await arrive(intake, group, records(ONE, *range(WAITING + 1)))
    waiting = asyncio.create_task(intake.wait(60))
    await asyncio.sleep(0.01)
    taken = intake.take(WAITING)
    for delivery in taken:
        handle(delivery)
    await intake.settled()
    await asyncio.wait_for(waiting, 5)
    group.arrived.put_nowait(records(ONE, WAITING + 1))
    intake.take(9)
    await intake.wait(5)
    assert ids(intake.take(9)) == [f"q/0/{WAITING + 1}"]


async def test_partition_that_stays_keeps_what_is_held(group: Group, intake: Intake):
    """It is not handed out again; reading goes on behind it."""
    await group.listener.on_partitions_assigned({ONE})
    await arrive(intake, group, records(ONE, 0, 1))
    (held,) = intake.take(1)
    await group.listener.on_partitions_revoked({ONE})
    assert intake.take(9) == []
    await group.listener.on_partitions_assigned({ONE, TWO})
    assert group.sought == [(ONE, 2)]
    assert not is_lost(held)
    assert ids(intake.take(9)) == ["q/0/1"]
    await arrive(intake, group, records(ONE, 0, 1, 2))
    assert ids(intake.take(9)) == ["q/0/2"]


@pytest.mark.parametrize("others", [OffsetAndMetadata(2, ""), OffsetAndMetadata(0, "done:1"), OffsetAndMetadata(9, "")])
async def test_partition_that_others_had_meanwhile_is_begun_anew(group: Group, intake: Intake, others: Any):
    """The group did without a member that stood still; what others have handled is not handled again."""
    await group.listener.on_partitions_assigned({ONE})
    await arrive(intake, group, records(ONE, 0, 1))
    (held,) = intake.take(1)
    await do_without_us(group, ONE, others)
    await group.listener.on_partitions_assigned({ONE})
    assert is_lost(held)
    assert group.sought == [(ONE, others.offset)]
    await arrive(intake, group, records(ONE, *range(others.offset, 11)))
    handled = {*range(others.offset), *({1} if others.metadata else ())}
    assert ids(intake.take(99)) == [f"q/0/{offset}" for offset in range(11) if offset not in handled]


async def test_partition_of_which_others_did_what_we_did_stays(group: Group, intake: Intake):
    """A commit of ours whose answer was lost, for example."""
    await group.listener.on_partitions_assigned({ONE})
    await arrive(intake, group, records(ONE, *range(5)))
    first, held, third, *_ = intake.take(5)
    handle(first)
    handle(third)
    await do_without_us(group, ONE, OffsetAndMetadata(1, "done:1"))
    await group.listener.on_partitions_assigned({ONE})
    assert not is_lost(held)


async def test_nothing_is_committed_of_a_partition_that_others_may_have_had(group: Group, intake: Intake):
    """As long as the group cannot be asked; it would fall back behind what they have handled."""
    await group.listener.on_partitions_assigned({ONE})
    await arrive(intake, group, records(ONE, 0, 1, 2))
    (held,) = intake.take(1)
    await do_without_us(group, ONE, OffsetAndMetadata(3, ""))
    group.failure = KafkaConnectionError("gone")
    with pytest.raises(BackendConnectionError):
        await group.listener.on_partitions_assigned({ONE})
    group.failure = None
    handle(held)
    await intake.settled()
    assert intake.take(9) == []
    await intake.tend()
    assert group.committed[ONE].offset == 3


async def test_answer_that_comes_after_the_next_change_counts_no_more(group: Group, intake: Intake):
    """The group is asked anew, as others may have had the partition in between."""
    await group.listener.on_partitions_assigned({ONE})
    await arrive(intake, group, records(ONE, 0, 1, 2))
    group.answering.clear()
    late = asyncio.create_task(group.listener.on_partitions_assigned({ONE}))
    await until(lambda: group.asked == 2)
    await group.listener.on_partitions_revoked({ONE})
    group.answering.set()
    await late
    assert intake.take(9) == []
    group.committed[ONE] = OffsetAndMetadata(2, "")
    await group.listener.on_partitions_assigned({ONE})
    await arrive(intake, group, records(ONE, 2))
    assert ids(intake.take(9)) == ["q/0/2"]


async def test_partition_that_goes_takes_what_is_held_with_it(group: Group, intake: Intake):
    """Its deliveries are lost, and nothing of them is committed any more."""
    await group.listener.on_partitions_assigned({ONE, TWO})
    await arrive(intake, group, records(ONE, 0))
    (held,) = intake.take(9)
    await group.listener.on_partitions_revoked({ONE, TWO})
    await group.listener.on_partitions_assigned({TWO})
    assert is_lost(held)
    before = dict(group.committed)
    handle(held)
    await intake.settled()
    assert group.committed == before


async def test_rebalance_waits_for_handlers_and_commits(group: Group, intake: Intake):
    """What they finish in time is not handled again elsewhere."""
    await group.listener.on_partitions_assigned({ONE})
    await arrive(intake, group, records(ONE, 0))
    (held,) = intake.take(9)
    revoking = asyncio.create_task(group.listener.on_partitions_revoked({ONE}))
    await until(lambda: intake._is_rebalancing)
    handle(held)
    await intake.settled()
    await revoking
    assert group.committed == {ONE: (1, "")}


async def test_what_was_noted_elsewhere_is_not_handed_out(group: Group, intake: Intake):
    """Even if it is read before the note is."""
    group.committed[ONE] = OffsetAndMetadata(4, "done:1")
    assigning = asyncio.create_task(group.listener.on_partitions_assigned({ONE}))
    await arrive(intake, group, records(ONE, 4, 5, 6))
    await assigning
    assert ids(intake.take(9)) == ["q/0/4", "q/0/6"]


async def test_note_that_cannot_be_read_is_read_later(group: Group, intake: Intake):
    """Until then nothing is handed out."""
    group.failure = KafkaConnectionError("gone")
    with pytest.raises(BackendConnectionError):
        await group.listener.on_partitions_assigned({ONE})
    await arrive(intake, group, records(ONE, 0))
    assert intake.take(9) == []
    group.failure = None
    await intake.tend()
    assert ids(intake.take(9)) == ["q/0/0"]


async def test_commit_that_the_group_does_not_take_is_tried_again(group: Group, intake: Intake):
    """It changes at this moment; what is handled is committed when it has."""
    await group.listener.on_partitions_assigned({ONE})
    await arrive(intake, group, records(ONE, 0))
    (held,) = intake.take(9)
    handle(held)
    group.failure = CommitFailedError("rebalanced")
    await intake.commit()
    assert group.committed == {}
    group.failure = None
    await intake.commit()
    await intake.commit()
    assert group.committed == {ONE: (1, "")}
    assert group.commits == 2


async def test_topic_that_is_not_known_yet_is_asked_for_again(group: Group, intake: Intake):
    """A server may take a moment to know what it has created; a member that does not ask again gets nothing of it."""
    group.unknown = {"q.retry.5s"}
    await intake.tend()
    await intake.tend()
    group.unknown = set()
    await intake.tend()
    assert group.looks == 2


@pytest.mark.parametrize("end", ["committed", "assigned"])
async def test_member_that_is_left_out_takes_nothing_more(group: Group, intake: Intake, end: str):
    """What it handled would be handled elsewhere again; when the group has it again, it goes on."""
    await group.listener.on_partitions_assigned({ONE})
    await arrive(intake, group, records(ONE, 0, 1, 2))
    handle(intake.take(1)[0])
    group.failure = CommitFailedError("the member is unknown")
    await intake.commit()
    assert intake.take(9) == []
    waiting = asyncio.create_task(intake.wait(60))
    await asyncio.sleep(0)
    assert not waiting.done()
    group.failure = None
    await (intake.tend() if end == "committed" else group.listener.on_partitions_assigned({ONE}))
    await asyncio.wait_for(waiting, 5)
    assert ids(intake.take(9)) == ["q/0/1", "q/0/2"]


async def test_member_that_the_group_does_not_know_commits_nothing(group: Group, intake: Intake):
    """A group that has no members any more would take it, and fall back behind what others have handled."""
    await group.listener.on_partitions_assigned({ONE})
    await arrive(intake, group, records(ONE, 0))
    handle(intake.take(9)[0])
    group.member_id, group.generation = "", -1
    await intake.commit()
    assert group.commits == 0
    await group.listener.on_partitions_revoked({ONE})
    assert group.commits == 0


@pytest.mark.parametrize("end", ["revoked", "assigned"])
async def test_commit_that_is_under_way_ends_with_its_term(group: Group, intake: Intake, end: str):
    """The driver would try it again in the next one."""
    await group.listener.on_partitions_assigned({ONE})
    await arrive(intake, group, records(ONE, 0))
    handle(intake.take(9)[0])
    group.taking.clear()
    committing = asyncio.create_task(intake.commit())
    await until(lambda: group.commits)
    group.generation += 1
    await getattr(group.listener, f"on_partitions_{end}")({ONE})
    await committing
    assert group.committed == {}


async def test_commit_that_is_forbidden_is_an_error(group: Group, intake: Intake):
    """It will not get better by itself."""
    await group.listener.on_partitions_assigned({ONE})
    await arrive(intake, group, records(ONE, 0))
    handle(intake.take(9)[0])
    group.failure = TopicAuthorizationFailedError("q")
    with pytest.raises(AuthError, match="refuses us"):
        await intake.commit()
