"""Sharing out the partitions of a group: each topic evenly, and as far as it can be as it was."""

from collections.abc import Iterator, Mapping
from typing import Any

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.sticky.sticky_assignor import (
    StickyAssignmentExecutor,
    StickyAssignorMemberMetadataV1,
    StickyPartitionAssignor,
)
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

Shares = Mapping[str, StickyAssignorMemberMetadataV1]


class EvenAssignor(StickyPartitionAssignor):
    """
    Looks at one topic after the other.

    The driver's own counts the partitions of all topics together, so that one member may get a queue, and the others
    nothing but the topics of its retries.
    """

    @classmethod
    def assign(
        cls, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        known = {member: cls.parse_member_metadata(metadata) for member, metadata in members.items()}
        shares: dict[str, list[Any]] = {member: [] for member in members}
        for of_topic in _by_topic(known):
            executor = StickyAssignmentExecutor(cluster, dict(of_topic))
            executor.perform_initial_assignment()
            executor.balance()
            for member in of_topic:
                shares[member] += executor.get_final_assignment(member)
        return {
            member: ConsumerProtocolMemberAssignment(cls.version, sorted(share), b"")
            for member, share in shares.items()
        }


def _by_topic(known: Shares) -> Iterator[Shares]:
    """What the members that want a topic have of it, for each topic."""
    for topic in sorted({topic for member in known.values() for topic in member.subscription}):
        yield {
            name: StickyAssignorMemberMetadataV1(
                subscription=[topic],
                partitions=[place for place in member.partitions if place.topic == topic],
                generation=member.generation,
            )
            for name, member in known.items()
            if topic in member.subscription
        }
