"""Sharing out the partitions of a group: each topic evenly, and as far as it can be as it was."""

from collections.abc import Mapping, Sequence

import pytest
from aiokafka.structs import TopicPartition

from microagent.tools.kafka.assignor import EvenAssignor

TOPICS = ["q", "q.retry.5s", "q.retry.60s", "q.retry.3600s"]
Shares = dict[str, set[TopicPartition]]


class Cluster:
    """Topics that have four partitions each."""

    def topics(self) -> set[str]:
        return {*TOPICS, "other"}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0, 1, 2, 3}


def share(wanted: Mapping[str, Sequence[str]], before: Shares, generation: int) -> Shares:
    """Who gets what, of members that want these topics and had those partitions before."""
    members = {
        member: EvenAssignor._metadata(topics, list(before[member]) if member in before else None, generation)
        for member, topics in wanted.items()
    }
    assigned = EvenAssignor.assign(Cluster(), members)
    return {
        member: {TopicPartition(topic, number) for topic, numbers in each.assignment for number in numbers}
        for member, each in assigned.items()
    }


def of_topic(shares: Shares, topic: str) -> list[int]:
    """How many partitions of a topic each member has."""
    return sorted(sum(1 for place in places if place.topic == topic) for places in shares.values())


@pytest.mark.parametrize(("count", "each"), [(1, [4]), (2, [2, 2]), (3, [1, 1, 2]), (4, [1] * 4), (5, [0, 1, 1, 1, 1])])
def test_each_topic_is_shared_evenly(count, each):
    """However the members came: none has the queue, while others have nothing but its retries."""
    shares: Shares = {}
    for number in range(count):
        shares = share({f"m{n}": TOPICS for n in range(number + 1)}, shares, number)
        assert len(set().union(*shares.values())) == sum(map(len, shares.values())) == 4 * len(TOPICS)
    assert all(of_topic(shares, topic) == each for topic in TOPICS)


def test_partitions_stay_where_they_can():
    """A newcomer gets its share, and nothing moves between the others; what somebody leaves behind is shared."""
    alone = share({"a": TOPICS}, {}, 0)
    two = share({"a": TOPICS, "b": TOPICS}, alone, 1)
    assert two["a"] < alone["a"]
    three = share({"a": TOPICS, "b": TOPICS, "c": TOPICS}, two, 2)
    assert three["a"] <= two["a"]
    assert three["b"] <= two["b"]
    left = share({"a": TOPICS, "c": TOPICS}, {name: three[name] for name in "ac"}, 3)
    assert three["a"] <= left["a"]
    assert three["c"] <= left["c"]


def test_members_get_what_they_want_alone():
    """A group that is named so may read several queues, each by some of its members."""
    shares = share({"a": TOPICS, "b": ["other"]}, {}, 0)
    assert {place.topic for place in shares["a"]} == set(TOPICS)
    assert {place.topic for place in shares["b"]} == {"other"}
