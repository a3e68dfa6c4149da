"""What a process knows of one partition."""

from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata

from microagent.tools.kafka.ledger import WAITING, Ledger, Order
from microagent.tools.kafka.messages import DUE

NOW = 1000.0


def record(offset: int, key: bytes | None = None, due: float | None = None) -> Any:
    headers = () if due is None else ((DUE, str(round(due * 1000)).encode()),)
    return ConsumerRecord("topic", 0, offset, 0, 0, key, b"{}", None, -1, 2, headers)


def ledger(*records: Any, order: Order | None = "key") -> Ledger:
    """One that has begun, with some messages read."""
    made = Ledger(order)
    made.begin(None)
    made.add(records)
    return made


def taken(ledger: Ledger, limit: int = 100, now: float = NOW) -> list[int]:
    return [record.offset for record in ledger.take(limit, now)]


def test_messages_are_taken_in_order():
    """Those without a key do not wait for each other."""
    book = ledger(*map(record, range(5)))
    assert taken(book, 2) == [0, 1]
    assert taken(book) == [2, 3, 4]
    assert taken(book) == []


def test_only_what_is_handled_from_the_first_on_is_committed():
    """A message in between that is not handled keeps the offset where it is; what is handled beyond it is noted."""
    book = ledger(*map(record, range(4)))
    taken(book)
    assert book.to_commit() == (0, "")
    book.handle([1])
    book.handle([3])
    assert book.to_commit() == (0, "done:1,3")
    book.handle([0])
    assert book.to_commit() == (2, "done:1")
    book.handle([2])
    assert book.to_commit() == (4, "")


def test_what_the_group_knows_is_not_committed_again():
    """Until there is news."""
    book = ledger(record(0), record(1))
    taken(book)
    book.handle([0])
    mark = book.to_commit()
    assert mark is not None
    book.committed(mark)
    assert book.to_commit() is None
    book.handle([1])
    assert book.to_commit() == (2, "")


def test_nothing_is_committed_before_anything_was_read():
    """An offset of 0 would be one that nobody asked for."""
    assert ledger().to_commit() is None


def test_what_was_handled_elsewhere_is_not_handled_again():
    """The note of who had the partition before is kept to; nothing is handed out before it is known."""
    book = Ledger("key")
    book.add([record(10), record(11), record(12)])
    assert taken(book) == []
    book.begin(OffsetAndMetadata(10, "done:1"))
    assert taken(book) == [10, 12]
    book.handle([10])
    assert book.to_commit() == (12, "")


def test_messages_of_one_key_go_one_at_a_time():
    """The next one is handed out when the one before is handled; other keys go on."""
    book = ledger(record(0, b"a"), record(1, b"a"), record(2, b"b"), record(3), record(4, b"a"))
    assert taken(book) == [0, 2, 3]
    book.handle([0])
    assert taken(book) == [1]
    book.handle([1])
    book.handle([2])
    assert taken(book) == [4]


def test_messages_of_a_partition_go_one_at_a_time_if_asked():
    """Whatever their keys."""
    book = ledger(record(0), record(1, b"a"), record(2), order="partition")
    assert taken(book) == [0]
    assert taken(book) == []
    book.handle([0])
    assert taken(book) == [1]


def test_released_message_comes_before_the_next_of_its_key():
    """It goes back to its place."""
    book = ledger(record(0, b"a"), record(1, b"a"))
    assert taken(book) == [0]
    book.release(0)
    assert taken(book) == [0]
    book.handle([0])
    assert taken(book) == [1]


def test_released_message_may_have_to_wait():
    """Then others of no key go before it, and the next one of its key waits with it."""
    book = ledger(record(0, b"a"), record(1, b"a"), record(2))
    assert taken(book, 1) == [0]
    book.release(0, NOW + 5)
    assert taken(book, 9) == [2]
    assert book.due() == NOW + 5
    assert [each.offset for each in book.take(9, NOW + 5)] == [0]


def test_messages_that_come_back_are_handed_out_in_order():
    """Released ones and those whose turn has come before those that were read after them."""
    book = ledger(record(0), record(1, b"a"), record(2, b"a"), record(3), record(4), record(5))
    assert taken(book, 4) == [0, 1, 3, 4]
    for offset in (3, 0):
        book.release(offset)
    book.handle([1])
    assert taken(book, 2) == [0, 2]
    assert taken(book) == [3, 5]


def test_message_that_is_due_later_holds_up_nobody():
    """It is taken when its time has come, before or after others that were written behind it."""
    book = ledger(record(0, due=NOW + 60), record(1, due=NOW + 5), record(2, due=NOW - 1), order=None)
    assert taken(book) == [2]
    assert book.due() == NOW + 5
    assert taken(book, now=NOW + 5) == [1]
    assert taken(book, now=NOW + 60) == [0]
    assert book.due() is None


def test_messages_that_are_read_twice_are_there_once():
    """After a rebalance the driver may read on from an earlier place."""
    book = ledger(record(0), record(1))
    book.add([record(0), record(1), record(2)])
    assert taken(book) == [0, 1, 2]


def test_reading_stops_when_enough_waits():
    """And goes on when some of it is taken."""
    book = ledger(*map(record, range(WAITING)))
    assert not book.has_room
    taken(book, 1)
    assert book.has_room


def test_settling_twice_is_settling_once():
    """What is handled stays handled."""
    book = ledger(record(0))
    taken(book)
    book.handle([0])
    book.release(0)
    book.handle([0])
    assert taken(book) == []
    assert book.held == 0
    assert book.to_commit() == (1, "")


@pytest.mark.parametrize("order", ["key", "partition", None])
def test_gaps_in_offsets_are_no_messages(order: Order | None):
    """Compaction and transactions leave them."""
    book = ledger(record(5), record(9), order=order)
    for offset in (5, 9):
        assert taken(book, 1) == [offset]
        book.handle([offset])
    assert book.to_commit() == (10, "")
