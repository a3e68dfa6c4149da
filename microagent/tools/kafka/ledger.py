"""What a process knows of one partition: what waits, what is out, what is handled, and what of that to commit."""

import heapq
from collections import deque
from collections.abc import Container, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Literal

from microagent.tools.kafka.driver import Mark, Record
from microagent.tools.kafka.messages import due
from microagent.tools.kafka.notes import noted, read

Order = Literal["key", "partition"]

WAITING = 500  # messages that wait here for their turn, at most
WINDOW = 10_000  # offsets between the first that is not handled and the last that was read, at most

_offset, _key, _headers = attrgetter("offset"), attrgetter("key"), attrgetter("headers")


class Ledger:
    """
    The messages of one partition, from when it is assigned to when it is lost.

    Messages are handed out in their order. ``order="key"``: one at a time of each key, while those without a key do
    not wait for each other; ``order="partition"``: one at a time.

    Offsets that were passed and are not open are handled, or were never those of a message.

    :ivar lost: whether somebody else has the partition
    """

    def __init__(self, order: Order | None) -> None:
        self._order = order
        self._next = 0  # offset after the last one read
        self._open: dict[int, Record] = {}  # read and not handled, in order
        self._first = 0  # of them, as of the last look
        self._last = -1  # highest offset that is handled
        self._earlier: set[int] | None = None  # handled before the partition came here; None: not known yet
        self._early: list[Record] = []  # read before that is known
        self._fresh: deque[Record] = deque()  # ready, in order
        self._later: list[tuple[float, int, Record]] = []  # a heap: when due, offset; of what has left its order too
        self._behind: dict[bytes, deque[Record]] = {}  # by lane; a lane that is here has a message ready or out
        self._behind_count = 0
        self._out: set[int] = set()
        self._committed: Mark | None = None
        self.lost = False

    # -- reading

    @property
    def has_room(self) -> bool:
        waiting = len(self._fresh) + len(self._later) + self._behind_count + len(self._early)
        return waiting < WAITING and self._next - self._first < WINDOW

    @property
    def next_offset(self) -> int:
        """Where reading goes on; 0 as long as nothing was read."""
        return self._next

    @property
    def has_begun(self) -> bool:
        return self._earlier is not None

    def begin(self, committed: Mark | None) -> None:
        """What the group has committed so far; messages may be taken from now on."""
        if self._earlier is None:
            self._committed = committed
            self._earlier = set() if committed is None else read(committed.offset, committed.metadata)
            early = {record.offset: record for record in self._early}  # after a rebalance, some have come twice
            self._early.clear()
            self.add(sorted(early.values(), key=_offset))

    def knows(self, committed: Mark) -> bool:
        """Whether all that the group knows to be handled is so here, too."""
        self._look()
        beyond = read(committed.offset, committed.metadata)
        return committed.offset <= self._first and not any(each >= self._next or each in self._open for each in beyond)

    def add(self, records: Iterable[Record]) -> None:
        """What was read, in its order."""
        if self._earlier is None:
            self._early.extend(records)
            return
        news = [record for record in records if record.offset >= self._next]  # the others came before a rebalance, too
        if not news:
            return
        self._next = news[-1].offset + 1
        if self._earlier:
            news = list(self._not_handled(news, self._earlier))
        self._open.update(zip(map(_offset, news), news, strict=True))
        if self._order != "partition" and not any(map(_headers, news)) and {None}.issuperset(map(_key, news)):
            self._fresh.extend(news)  # most are so plain
        else:
            for record in news:
                self._line_up(record)
        self._look()

    def _not_handled(self, records: Iterable[Record], earlier: Container[int]) -> Iterator[Record]:
        for record in records:
            if record.offset in earlier:
                self._last = record.offset
            else:
                yield record

    def _line_up(self, record: Record) -> None:
        lane = self._lane(record)
        if lane is None:
            self._put(record)
        elif lane in self._behind:
            self._behind[lane].append(record)
            self._behind_count += 1
        else:
            self._behind[lane] = deque()
            self._put(record)

    def _lane(self, record: Record) -> bytes | None:
        """Messages of one lane go one at a time."""
        if self._order == "partition":
            return b""
        return record.key if self._order == "key" else None

    def _put(self, record: Record) -> None:
        moment = due(record)
        if moment or (self._fresh and self._fresh[-1].offset > record.offset):
            heapq.heappush(self._later, (moment, record.offset, record))
        else:
            self._fresh.append(record)

    # -- handing out

    @property
    def held(self) -> int:
        return len(self._out)

    def due(self) -> float | None:
        """When there is a message to take, in seconds since the epoch; None: not before something happens."""
        if self._fresh:
            return 0.0
        return self._later[0][0] if self._later else None

    def is_ready(self, now: float) -> bool:
        """Whether there is a message to take at once."""
        moment = self.due()
        return moment is not None and moment <= now

    def take(self, limit: int, now: float) -> Sequence[Record]:
        """Up to ``limit`` messages that are due."""
        fresh = self._fresh
        if self._later:
            taken = list(self._merged(limit, now))
        else:
            taken = [fresh.popleft() for _ in range(min(limit, len(fresh)))]
        self._out.update(map(_offset, taken))
        return taken

    def _merged(self, limit: int, now: float) -> Iterable[Record]:
        for _ in range(limit):
            if self._later and self._later[0][0] <= now and self._is_before_fresh(self._later[0]):
                yield heapq.heappop(self._later)[-1]
            elif self._fresh:
                yield self._fresh.popleft()
            else:
                return

    def _is_before_fresh(self, entry: tuple[float, int, Record]) -> bool:
        return not self._fresh or entry[:2] < (0.0, self._fresh[0].offset)

    def release(self, offset: int, moment: float = 0.0) -> None:
        """
        Not tried: it goes back to its place.

        :param moment: when it may be taken again, in seconds since the epoch
        """
        if offset not in self._out:
            return
        self._out.discard(offset)
        if moment:
            heapq.heappush(self._later, (moment, offset, self._open[offset]))
        else:
            self._put(self._open[offset])

    def handle(self, offsets: Iterable[int]) -> None:
        """Done with these, and so the next of their lanes may go."""
        handled = self._out.intersection(offsets)
        if not handled:
            return
        self._out -= handled
        self._last = max(self._last, *handled)
        records = [*map(self._open.pop, handled)]
        if self._behind:
            for record in records:
                if (lane := self._lane(record)) is not None:
                    self._next_of(lane)

    def _next_of(self, lane: bytes) -> None:
        if behind := self._behind[lane]:
            self._behind_count -= 1
            self._put(behind.popleft())
        else:
            del self._behind[lane]

    # -- committing

    def to_commit(self) -> Mark | None:
        """What to tell the group, if it does not know it yet: the first offset that is not handled, and what is."""
        self._look()
        mark = Mark(self._first, noted(self._open, self._last))
        return mark if self._next and mark != self._committed else None

    def _look(self) -> None:
        self._first = next(iter(self._open), self._next)

    def committed(self, mark: Mark) -> None:
        """The group knows it."""
        self._committed = mark
