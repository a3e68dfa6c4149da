"""What a process knows of one partition: what waits, what is out, what is handled, and what of that to commit."""

import heapq
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Literal

from microagent.tools.kafka.driver import Mark, Record
from microagent.tools.kafka.messages import due
from microagent.tools.kafka.notes import noted, read

Order = Literal["key", "partition"]

WAITING = 500  # messages that wait here for their turn, at most
WINDOW = 10_000  # messages between the first that is not handled and the last that was read, at most


class Ledger:
    """
    The messages of one partition, from when it is assigned to when it is lost.

    Messages are handed out in their order. ``order="key"``: one at a time of each key, while those without a key do
    not wait for each other; ``order="partition"``: one at a time.
    """

    def __init__(self, order: Order | None) -> None:
        self._order = order
        self._next = 0  # offset after the last one read
        self._read: deque[int] = deque()  # offsets from the first that is not handled, in order
        self._handled: set[int] = set()  # those of them that are
        self._earlier: set[int] | None = None  # handled before the partition came here; None: not known yet
        self._early: list[Record] = []  # read before that is known
        self._ready: list[tuple[float, int, Record]] = []  # a heap: when due, offset
        self._behind: dict[bytes, deque[Record]] = {}  # by lane; a lane that is here has a message ready or out
        self._behind_count = 0
        self._out: dict[int, Record] = {}
        self._committed: Mark | None = None
        self.lost = False

    # -- reading

    @property
    def has_room(self) -> bool:
        waiting = len(self._ready) + self._behind_count + len(self._early)
        return waiting < WAITING and len(self._read) < WINDOW

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
            early, self._early = self._early, []
            self.add(early)

    def add(self, records: Iterable[Record]) -> None:
        """What was read, in its order."""
        if self._earlier is None:
            self._early.extend(records)
            return
        for record in records:
            if record.offset >= self._next:  # what comes twice after a rebalance is here already
                self._next = record.offset + 1
                self._read.append(record.offset)
                self._admit(record, self._earlier)

    def _admit(self, record: Record, earlier: set[int]) -> None:
        if record.offset in earlier:
            self._handled.add(record.offset)
            return
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
        heapq.heappush(self._ready, (due(record), record.offset, record))

    # -- handing out

    @property
    def held(self) -> int:
        return len(self._out)

    def due(self) -> float | None:
        """When there is a message to take, in seconds since the epoch; None: not before something happens."""
        return self._ready[0][0] if self._ready else None

    def take(self, limit: int, now: float) -> Sequence[Record]:
        """Up to ``limit`` messages that are due."""
        taken: list[Record] = []
        while self._ready and self._ready[0][0] <= now and len(taken) < limit:
            record = heapq.heappop(self._ready)[-1]
            self._out[record.offset] = record
            taken.append(record)
        return taken

    def release(self, offset: int) -> None:
        """Not tried: it goes back to its place."""
        if (record := self._out.pop(offset, None)) is not None:
            self._put(record)

    def handle(self, offset: int) -> None:
        """Done with, and so the next of its lane may go."""
        record = self._out.pop(offset, None)
        if record is None:
            return
        self._handled.add(offset)
        lane = self._lane(record)
        if lane is not None:
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
        while self._read and self._read[0] in self._handled:
            self._handled.discard(self._read.popleft())
        first = self._read[0] if self._read else self._next
        mark = Mark(first, noted(first, self._handled))
        return mark if self._next and mark != self._committed else None

    def committed(self, mark: Mark) -> None:
        """The group knows it."""
        self._committed = mark
