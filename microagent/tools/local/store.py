"""The queues of a folder, in one SQLite file."""

import os
import re
import sqlite3
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias

import msgspec

from microagent.delivery import DeadLetter, Delivery, HeadedDelivery, Verdict
from microagent.errors import BackendError
from microagent.tools.local import statements
from microagent.tools.local.disk import Disk
from microagent.tools.local.filelock import FileLock
from microagent.tools.local.folder import Folder
from microagent.tools.local.forks import no_fork, register_for_forks
from microagent.tools.local.schema import prepare

FILE = "queues.db"
TURN = "turn.lock"
BUSY = 30.0  # seconds to wait for a foreign program that holds the file
ROWS = 500  # in one statement, which takes at most 32,766 parameters
Row: TypeAlias = tuple[str, bytes, str | None]
SETTINGS = (
    "journal_mode = WAL",
    "journal_size_limit = 16777216",  # bytes that the log keeps when a flood is over
    "secure_delete = FAST",  # what is deleted is not written once more: on a full disk there is no room for that
)
TAKE_BYTES = 64 * 1024 * 1024  # of bodies in one take, the first aside


class Store:
    """
    Where messages are until they are done. One thread uses it, inside :meth:`transaction`.

    :param owner: whose leases are ours
    :param synchronous: how far a message is written when ``push`` is committed: ``"FULL"`` survives the loss of power,
        ``"NORMAL"`` and ``"OFF"`` the end of every process
    """

    def __init__(self, folder: Folder, owner: str, synchronous: str) -> None:
        self.path = os.path.join(folder.path, FILE)
        self._owner = owner
        self._durable = synchronous
        self._lazy = "OFF" if synchronous == "OFF" else "NORMAL"
        self._synchronous = ""
        self._readied: set[str] = set()
        with self._errors():
            folder.make_file(FILE)  # and not by SQLite, so that nobody else can read it
            self._disk = Disk(self.path)
            self._lock = FileLock(folder, TURN)
            self._connection = sqlite3.connect(self.path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        register_for_forks(self)
        try:
            with self._errors(), self._lock, no_fork():
                for setting in SETTINGS:
                    self._connection.execute(f"PRAGMA {setting}")
            with self.transaction(durable=True):
                prepare(self._connection, self.path)
        except BaseException:
            self.close()
            raise

    def descriptors(self) -> list[int]:
        """None: SQLite's end with the connection."""
        return []

    def forget(self) -> None:
        """In a child SQLite has to begin anew, or it would not lock what it believes to have locked already."""
        self._connection.close()

    def close(self) -> None:
        """Let go of the file; the last one leaves it whole, without a log beside it."""
        with self._lock, no_fork():  # the last one to close tidies up, which must not meet another one opening
            self._connection.close()
        self._lock.close()

    @contextmanager
    def transaction(self, *, durable: bool) -> Generator[None, None, None]:
        """
        All or nothing.

        :param durable: whether what is written must be as safe as ``synchronous`` says; without, the loss of power may
            undo it, which brings a message once more and never loses one
        :raises BackendError: if the disk is full, or does not do what it is asked
        """
        with self._errors(), self._lock, no_fork():
            self._look_at_disk()
            self._synchronize(self._durable if durable else self._lazy)
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def _look_at_disk(self) -> None:
        if not self._disk.has_file():
            raise BackendError(f"{self.path}: was removed while it was in use")
        if self._disk.is_tight():
            self._empty_log()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._empty_log()

    def _empty_log(self) -> None:
        """Carry the log over into the file: on a full disk it is what can be made smaller."""
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _errors(self) -> Generator[None, None, None]:
        try:
            yield
        except sqlite3.Error as error:
            raise BackendError(f"{self.path}: {error}") from error
        except OSError as error:
            raise BackendError(f"{self.path}: {error.strerror}") from error

    def _synchronize(self, mode: str) -> None:
        if mode != self._synchronous:
            self._connection.execute(f"PRAGMA synchronous = {mode}")
            self._synchronous = mode

    def readied(self) -> set[str]:
        """The queues that have got something to take since the last call."""
        readied, self._readied = self._readied, set()
        return readied

    def push(self, messages: Sequence[Row]) -> None:
        """
        Add messages, each a queue, a body, and its headers as JSON, in order.

        :raises BackendError: if the disk is full
        """
        for _, before in self._pushed(messages):
            self._connection.execute(statements.ARRIVE, (before,))

    def push_later(self, messages: Sequence[Row], delays: Sequence[float]) -> None:
        """
        Add messages likewise, each to be taken after so many seconds and not before.

        :raises BackendError: if the disk is full
        """
        now = time.time()
        for start, before in self._pushed(messages):
            dues = [now + delay for delay in delays[start : start + ROWS]]
            self._connection.execute(statements.ARRIVE_LATER, {"dues": _json(dues), "before": before})

    def _pushed(self, messages: Sequence[Row]) -> Iterator[tuple[int, int]]:
        """Write them, some at a time: the index of the first of these, and the number before its own."""
        self._check_room(sum(len(body) + len(headers or "") for _, body, headers in messages))
        for start in range(0, len(messages), ROWS):
            chunk = messages[start : start + ROWS]
            last = self._insert(statements.insert(len(chunk)), [value for message in chunk for value in message])
            yield start, last - len(chunk)
        self._readied.update(queue for queue, _, _ in messages)

    def _check_room(self, size: int) -> None:
        if not self._disk.has_room(size, self._unused):
            raise BackendError(f"{self.path}: the disk is full")

    def _unused(self) -> int:
        """Bytes of the file that hold nothing any more."""
        return int(self._value("PRAGMA freelist_count") * self._value("PRAGMA page_size"))

    def _insert(self, statement: str, values: Any) -> int:
        """The number of the last row."""
        return self._connection.execute(statement, values).lastrowid or 0

    def take(self, queue: str, limit: int, lease: float) -> tuple[list[Delivery], float | None]:
        """
        Hold up to ``limit`` messages for ``lease`` seconds, the oldest first.

        :return: with them, when the next delayed one is due, in seconds since the epoch
        """
        self._connection.execute(statements.PROMOTE, (queue, time.time()))
        request = {
            "owner": self._owner,
            "expires": time.monotonic() + lease,
            "queue": queue,
            "limit": limit,
            "bytes": TAKE_BYTES,
        }
        cursor = self._connection.execute(statements.HOLD, request)
        deliveries = self._read(queue, (cursor.lastrowid or 0) - cursor.rowcount) if cursor.rowcount else []
        return deliveries, self._value(statements.NEXT_DUE, queue)

    def _read(self, queue: str, before: int) -> list[Delivery]:
        facts, bodies = self._connection.execute(statements.READ, (before,)).fetchone()
        deliveries: list[Delivery] = []
        start = 0
        for lease, number, failures, crashes, size, headers in msgspec.json.decode(facts):
            body = bodies[start : start + size]
            known = queue, body, failures + 1, crashes, str(number), lease
            deliveries.append(Delivery(*known) if headers is None else HeadedDelivery(_said(headers), *known))
            start += size
        self._connection.execute(statements.TAKEN, (queue, int(deliveries[-1].id)))
        return deliveries

    def settle(self, batch: Sequence[Delivery]) -> None:
        """Carry out verdicts; one whose lease is gone does nothing."""
        now = time.time()
        rows = [_row(delivery, now) for delivery in batch]
        for verdict in {delivery.verdict for delivery in batch if delivery.verdict is not None}:
            moved = [row for row, delivery in zip(rows, batch, strict=True) if delivery.verdict is verdict]
            self._connection.execute(statements.MOVE[verdict], {"rows": _json(moved)})
        self._connection.execute(statements.LET_GO, {"rows": _json(rows)})
        self._readied.update(delivery.queue for delivery in batch if delivery.verdict in _COMES_AGAIN)

    def renew(self, leases: Sequence[int], lease: float) -> set[int]:
        """
        Hold these for ``lease`` seconds more.

        :return: those that are lost
        """
        rows = {"rows": _json([[number] for number in leases])}
        renewed = self._connection.execute(statements.RENEW, {**rows, "expires": time.monotonic() + lease})
        if renewed.rowcount == len(leases):
            return set()
        (held,) = self._connection.execute(statements.STILL_HELD, rows).fetchone()
        return set(leases) - set(msgspec.json.decode(held))

    def reap(self, is_alive: Callable[[str], bool]) -> None:
        """What the dead and the silent held comes back, their runs counted as crashed."""
        owners = msgspec.json.decode(self._value(statements.OWNERS))
        dead = [owner for owner in owners if owner != self._owner and not is_alive(owner)]
        self._come_back(statements.COME_BACK, statements.LOST, time.monotonic(), _json(dead))

    def hand_back(self) -> None:
        """All that we hold comes back, with nothing counted."""
        self._come_back(statements.MOVE[Verdict.RELEASE], statements.OWN, self._owner)

    def _come_back(self, move: str, find: str, *which: Any) -> None:
        rows, queues = self._connection.execute(find, which).fetchone()
        if queues != "[]":
            self._connection.execute(move, {"rows": rows})
            self._connection.execute(statements.LET_GO, {"rows": rows})
            self._readied.update(msgspec.json.decode(queues))

    def length(self, queue: str) -> int:
        """How many messages wait, delayed ones included."""
        return int(self._value(statements.LENGTH, queue))

    def dead(self, queue: str, limit: int) -> list[DeadLetter]:
        """The oldest dead letters."""
        found = self._connection.execute(statements.DEAD, (queue, limit)).fetchall()
        return [
            DeadLetter(queue, body, reason, attempts, when, str(number))
            for number, body, reason, attempts, when in found
        ]

    def resend(self, queue: str, letters: Sequence[DeadLetter]) -> int:
        """
        Add the messages of dead letters anew, in the place of the letters.

        :return: how many there were
        :raises BackendError: if the disk is full
        """
        self._check_room(sum(len(letter.body) for letter in letters))
        cursor = self._connection.execute(statements.RESEND, _letters(queue, letters))
        if cursor.rowcount:
            self._connection.execute(statements.ARRIVE, ((cursor.lastrowid or 0) - cursor.rowcount,))
            self._readied.add(queue)
        return self.discard(queue, letters)

    def discard(self, queue: str, letters: Sequence[DeadLetter]) -> int:
        """
        Forget dead letters.

        :return: how many there were
        """
        which = _letters(queue, letters)
        self._connection.execute(statements.FORGET, which)
        return self._connection.execute(statements.DISCARD, which).rowcount

    def _value(self, statement: str, *values: Any) -> Any:
        row = self._connection.execute(statement, values).fetchone()
        return None if row is None else row[0]


_NUMBER = re.compile("[0-9]{1,18}")  # of a row
_COMES_AGAIN = (Verdict.RETRY, Verdict.RELEASE)


def _letters(queue: str, letters: Sequence[DeadLetter]) -> dict[str, str]:
    """As the statements want them: each once, and ids that are none of ours left out."""
    numbers = dict.fromkeys(int(letter.id) for letter in letters if _NUMBER.fullmatch(letter.id))
    return {"queue": queue, "numbers": _json([*numbers])}


def _said(headers: str) -> dict[str, str]:
    return msgspec.json.decode(headers, type=dict[str, str])


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _row(delivery: Delivery, now: float) -> list[Any]:
    """The lease, and what the statement of the verdict wants to know beside it."""
    lease = delivery.token
    if delivery.verdict is Verdict.RETRY:
        return [lease, now + delivery.delay if delivery.delay > 0 else 0]
    if delivery.verdict is Verdict.BURY:
        reason = delivery.reason.encode("utf-8", "replace").decode()
        return [lease, reason, delivery.attempt, now]
    return [lease]
