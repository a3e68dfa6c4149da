"""What producers and consumers wrote down, and what that says of the messages between them."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One line of a process: ``1700000000.123 start p1-17 1``.

    ``try`` and ``ok`` stand before and after a ``send``, ``start`` and ``done`` at both ends of a handler.
    """

    time: float
    what: str
    id: str
    attempt: int = 0

    @classmethod
    def parse(cls, line: str) -> "Entry":
        time, what, id, *attempt = line.split()  # noqa: A001 - it is the ledger's word
        return cls(float(time), what, id, int(attempt[0]) if attempt else 0)


def read(folder: Path) -> Iterator[Entry]:
    """All entries of a folder's ``*.ledger`` files."""
    for path in sorted(folder.glob("*.ledger")):
        yield from read_file(path)


def read_file(path: Path) -> Iterator[Entry]:
    """Its entries; a line that its process was killed in does not count."""
    *lines, _ = path.read_text().split("\n")
    yield from map(Entry.parse, lines)


@dataclass(frozen=True, slots=True)
class Report:
    """
    What became of the messages.

    :ivar attempted: whose ``send`` was called
    :ivar acknowledged: whose ``send`` returned
    :ivar done: whose handler came to its end
    :ivar dead: that are dead letters
    :ivar lost: acknowledged, and neither done nor dead
    :ivar unexpected: done, and never attempted
    :ivar duplicated: ends of handlers beyond the first of each message
    :ivar recovered: messages that were done after a run that was cut short
    :ivar ended: when the last of them was done for the first time
    """

    attempted: int
    acknowledged: int
    done: int
    dead: int
    lost: frozenset[str]
    unexpected: frozenset[str]
    duplicated: int
    recovered: int
    ended: float

    def __str__(self) -> str:
        figures = (
            f"{self.attempted} attempted, {self.acknowledged} acknowledged, {self.done} done, {self.dead} dead, "
            f"{len(self.lost)} lost, {len(self.unexpected)} unexpected, {self.duplicated} duplicated, "
            f"{self.recovered} recovered"
        )
        named = [f"  {name}: {_some(ids)}" for name in ("lost", "unexpected") if (ids := getattr(self, name))]
        return "\n".join([figures, *named])


def check(entries: Iterable[Entry], dead: Collection[str] = ()) -> Report:
    """
    Hold the ends of handlers against what was sent.

    :param dead: ids of the dead letters
    """
    ids: dict[str, list[str]] = {"try": [], "ok": [], "start": [], "done": []}
    first_done: dict[str, float] = {}
    for entry in entries:
        ids[entry.what].append(entry.id)
        if entry.what == "done":
            first_done[entry.id] = min(entry.time, first_done.get(entry.id, entry.time))
    runs, ends = Counter(ids["start"]), Counter(ids["done"])
    return Report(
        attempted=len(set(ids["try"])),
        acknowledged=len(set(ids["ok"])),
        done=len(ends),
        dead=len(set(dead)),
        lost=frozenset(set(ids["ok"]) - ends.keys() - set(dead)),
        unexpected=frozenset(ends.keys() - set(ids["try"])),
        duplicated=ends.total() - len(ends),
        recovered=sum(1 for number, count in ends.items() if runs[number] > count),
        ended=max(first_done.values(), default=0.0),
    )


def _some(ids: Collection[str], count: int = 10) -> str:
    shown = sorted(ids)[:count]
    return ", ".join(shown) + (" …" if len(ids) > count else "")
