"""A tree of text lines, drawn for a terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tree:
    """A line of text, with the branches below it."""

    title: str
    branches: Sequence["Tree"] = ()

    def lines(self) -> Iterator[str]:
        """The title, and every branch indented below it."""
        yield self.title
        for branch in self.branches:
            is_last = branch is self.branches[-1]
            first, *others = branch.lines()
            yield f"{'└── ' if is_last else '├── '}{first}"
            yield from (f"{'    ' if is_last else '│   '}{line}" for line in others)
