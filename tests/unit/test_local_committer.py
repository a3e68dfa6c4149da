"""The thread of the store."""

import asyncio
import threading
from contextlib import contextmanager

import pytest
from support import until

from microagent import BackendError
from microagent.tools.local.committer import Committer


class Ledger:
    """Stands where the store does: notes transactions, and fails as it is told."""

    def __init__(self):
        self.transactions = []
        self.open = []
        self.closed = False
        self.new = set()
        self.begun = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    @contextmanager
    def transaction(self, *, durable):
        self.begun.set()
        self.gate.wait()
        self.open = []
        yield
        self.transactions.append((durable, self.open))

    def readied(self):
        new, self.new = self.new, set()
        return new

    def close(self):
        self.closed = True


def note(word):
    def operation(ledger):
        ledger.open.append(word)
        ledger.new.add(word)
        return word.upper()

    return operation


def fail(_ledger):
    raise BackendError("no")


@pytest.fixture
async def ledger():
    return Ledger()


@pytest.fixture
async def readied():
    return []


@pytest.fixture
async def committer(ledger, readied):
    committer = Committer(lambda: ledger, readied.append)
    await committer.start()
    yield committer
    await committer.stop(20)


async def test_result_comes_when_it_is_committed(committer, ledger, readied):
    """Who submits gets what the operation returned, and then those who wait are told of what is new."""
    assert await committer.submit(note("a"), durable=True) == "A"
    assert ledger.transactions == [(True, ["a"])]
    assert readied == [{"a"}]


async def test_all_that_waits_shares_one_transaction(committer, ledger):
    """While the disk is busy, what comes is collected; one durable operation makes the whole durable."""
    ledger.gate.clear()
    first = committer.submit(note("a"))
    await until(ledger.begun.is_set)
    others = [committer.submit(note("b")), committer.submit(note("c"), durable=True), committer.submit(note("d"))]
    ledger.gate.set()
    assert await asyncio.gather(first, *others) == ["A", "B", "C", "D"]
    assert ledger.transactions == [(False, ["a"]), (True, ["b", "c", "d"])]


async def test_guilty_operation_fails_alone(committer, ledger):
    """What shared a transaction with a failure is done in one of its own."""
    ledger.gate.clear()
    first = committer.submit(note("a"))
    await until(ledger.begun.is_set)
    others = [committer.submit(note("b")), committer.submit(fail), committer.submit(note("c"))]
    ledger.gate.set()
    results = await asyncio.gather(first, *others, return_exceptions=True)
    assert [str(result) for result in results] == ["A", "B", "no", "C"]
    assert ledger.transactions == [(False, ["a"]), (False, ["b"]), (False, ["c"])]


async def test_abandoned_result_is_no_problem(committer, ledger):
    """Nobody may wait any more when an operation is done."""
    ledger.gate.clear()
    result = committer.submit(note("a"))
    result.cancel()
    ledger.gate.set()
    assert await committer.submit(note("b")) == "B"


async def test_store_that_cannot_be_opened_is_an_error_of_start():
    """The error is the opener's, and the thread ends."""

    def refuse():
        raise BackendError("file is not a database")

    with pytest.raises(BackendError, match="not a database"):
        await Committer(refuse, lambda _: None).start()
    await until(lambda: "microagent store" not in [thread.name for thread in threading.enumerate()])


async def test_stop_finishes_what_waits(ledger):
    """The store is closed after the last operation, and the thread is gone."""
    committer = Committer(lambda: ledger, lambda _: None)
    await committer.start()
    result = committer.submit(note("a"))
    await committer.stop(20)
    assert (await result, ledger.closed) == ("A", True)
    await until(lambda: "microagent store" not in [thread.name for thread in threading.enumerate()])


def test_stop_works_on_another_loop():
    """Left open by a loop that is gone, it can still be closed."""
    ledger = Ledger()

    async def begin():
        committer = Committer(lambda: ledger, lambda _: None)
        await committer.start()
        ledger.gate.clear()
        committer.submit(note("a"))
        return committer

    committer = asyncio.run(begin())
    ledger.gate.set()
    asyncio.run(committer.stop(20))
    assert ledger.closed
