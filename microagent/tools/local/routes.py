"""Finds the members that subscribe to a channel."""

from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

from microagent.channel import Pattern

M = TypeVar("M", bound=Hashable)


class Routes(Generic[M]):
    """
    The subscriptions of all members.

    The cost of a lookup depends on how many different lengths the heads of patterns have, not on how many there are.
    """

    def __init__(self) -> None:
        self._heads: dict[str, dict[str, set[M]]] = {}
        self._lengths: list[int] = []

    def add(self, member: M, patterns: Sequence[Pattern]) -> None:
        """Add patterns that ``member`` subscribes to."""
        for pattern in patterns:
            self._heads.setdefault(pattern.head, {}).setdefault(pattern.tag, set()).add(member)
        self._measure()

    def remove(self, member: M, patterns: Sequence[Pattern]) -> None:
        """Remove patterns that ``member`` subscribes to."""
        for pattern in patterns:
            self._drop(member, pattern.head, pattern.tag)
        self._measure()

    def forget(self, member: M) -> None:
        """Remove all patterns of ``member``."""
        self.remove(member, self.of(member))

    def of(self, member: M) -> list[Pattern]:
        """The patterns that ``member`` subscribes to."""
        return [
            Pattern(head, tag)
            for head, tags in self._heads.items()
            for tag, members in tags.items()
            if member in members
        ]

    def find(self, channel: str) -> set[M]:
        """The members with a pattern that matches ``channel``."""
        found: set[M] = set()
        for length in self._lengths:
            for tag, members in self._heads.get(channel[:length], {}).items():
                if not tag or tag in channel[length:]:
                    found |= members
        return found

    def _drop(self, member: M, head: str, tag: str) -> None:
        tags = self._heads.get(head, {})
        members = tags.get(tag, set())
        members.discard(member)
        if not members:
            tags.pop(tag, None)
        if not tags:
            self._heads.pop(head, None)

    def _measure(self) -> None:
        self._lengths = sorted({len(head) for head in self._heads})
