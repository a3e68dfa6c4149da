"""The connection of one bus or broker to its server: opened when first needed, again after every loss."""

import asyncio
import itertools
import logging

import pytest
from support import until

from microagent import link as link_module
from microagent.errors import AuthError, BackendConnectionError
from microagent.link import Link, pause


class Server:
    """What a link opens and closes; ``refusals`` are raised by the next tries to open."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.refusals: list[Exception] = []
        self.closing: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.link = Link("the server", self.open, self.close, logging.getLogger("test.link"))

    async def open(self) -> None:
        self.events.append("open")
        await self.gate.wait()
        if self.refusals:
            raise self.refusals.pop(0)

    async def close(self) -> None:
        self.events.append("close")
        if self.closing is not None:
            raise self.closing


def away() -> BackendConnectionError:
    return BackendConnectionError("nobody answers")


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(link_module, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(link_module, "LONGEST_PAUSE", 0.002)
    return Server()


async def done() -> str:
    return "done"


def soon() -> float:
    return asyncio.get_running_loop().time() + 0.05


def test_pauses_grow_to_two_seconds_with_jitter():
    """However long an outage is: after a thousand losses as after ten."""
    assert all(0.025 <= pause(1) <= 0.05 for _ in range(50))
    assert all(1.0 <= pause(losses) <= 2.0 for losses in (7, 10, 1_000, 100_000))
    assert len({pause(10) for _ in range(20)}) > 1


async def test_link_is_opened_when_first_needed_and_once(server):
    """All who need it at the same time wait for the same opening."""
    assert server.events == []
    assert await asyncio.gather(*(server.link.through(done) for _ in range(5))) == ["done"] * 5
    assert server.events == ["open"]
    assert server.link.is_open


async def test_server_that_is_away_is_waited_for(server, caplog):
    """With a warning; each try begins by letting go of the one before."""
    server.refusals = [away(), away()]
    await server.link.ready()
    assert server.events == ["open", "close", "open", "close", "open"]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "the server: no connection (nobody answers), trying again"),
        ("WARNING", "the server: connected again"),
    ]


@pytest.mark.parametrize(("reminder", "warnings"), [(3600.0, 2), (0.0, 4)])
async def test_outage_is_told_once_for_each_reason_and_now_and_again(server, caplog, monkeypatch, reminder, warnings):
    """And not twice a second for as long as it lasts."""
    monkeypatch.setattr(link_module, "REMINDER", reminder)
    server.refusals = [away(), away(), away(), BackendConnectionError("it starts")]
    await server.link.ready()
    told = [record.getMessage() for record in caplog.records if "no connection" in record.getMessage()]
    assert len(told) == warnings
    assert told[-1] == "the server: no connection (it starts), trying again"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (AuthError("wrong password"), "AuthError('the server: wrong password')"),
        (ValueError("unforeseen"), "ValueError('unforeseen')"),
    ],
)
async def test_any_other_failure_is_raised_at_once_to_all(server, error, told):
    """Waiting would not help; the next who needs the link tries again. A refusal names the server."""
    server.refusals = [error]
    results = await asyncio.gather(server.link.ready(), server.link.through(done), return_exceptions=True)
    assert [repr(result) for result in results] == [told, told]
    assert await server.link.through(done) == "done"


async def test_operation_is_tried_again_after_a_loss(server):
    """BackendConnectionError says that nothing was done, so it may be done again."""
    errors = [away(), away()]

    async def work() -> str:
        if errors:
            raise errors.pop()
        return "worked"

    assert await server.link.through(work) == "worked"
    assert server.events.count("open") == 3


async def test_cancellation_of_the_drivers_own_making_is_a_loss(server):
    """It ends nobody's task; what may be done twice is done again."""
    runs: list[int] = []

    async def work() -> str:
        runs.append(1)
        if len(runs) == 1:
            raise asyncio.CancelledError
        return "worked"

    assert await server.link.through(work) == "worked"
    assert server.events.count("open") == 2
    runs.clear()
    with pytest.raises(BackendConnectionError, match="closed meanwhile"):
        await server.link.through(work, repeatable=False)
    assert runs == [1]


async def test_cancellation_of_the_caller_stays_one(server):
    """The connection is none the worse for it."""
    await server.link.ready()
    waiting = asyncio.create_task(server.link.through(asyncio.Event().wait))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert server.link.is_open


async def test_other_errors_of_an_operation_are_its_callers(server):
    """They say nothing of the connection."""

    async def fail() -> None:
        raise KeyError("no such thing")

    with pytest.raises(KeyError):
        await server.link.through(fail)
    assert server.link.is_open


async def test_deadline_ends_the_waiting(server):
    """The sender is told why there was no connection."""
    server.refusals = [away() for _ in range(10_000)]
    with pytest.raises(BackendConnectionError, match=r"the server: no connection in time: nobody answers"):
        await server.link.through(done, soon())
    await server.link.close()


async def test_deadline_ends_the_waiting_for_a_server_that_says_nothing(server):
    """An opening that hangs is left to hang; who waits for it is not."""
    server.gate.clear()
    with pytest.raises(BackendConnectionError, match="no connection in time"):
        await server.link.ready(soon())
    server.gate.set()
    await server.link.ready()
    assert server.events == ["open"]
    await server.link.close()


async def test_deadline_ends_the_tries(server):
    """An operation that breaks every connection is not tried for ever."""

    async def break_it() -> None:
        raise away()

    with pytest.raises(BackendConnectionError):
        await server.link.through(break_it, soon())
    await server.link.close()


async def test_server_that_drops_every_connection_is_not_asked_without_a_pause(server, monkeypatch):
    """What breaks before anything got through counts as a failure to connect; pauses grow."""
    told: list[int] = []
    monkeypatch.setattr(link_module, "pause", lambda losses: told.append(losses) or 0.0)
    tries = itertools.count(1)

    async def work() -> None:
        if next(tries) <= 4:
            raise away()

    await server.link.through(work)
    assert told == [1, 2, 3, 4]
    told.clear()
    with pytest.raises(BackendConnectionError):
        await server.link.once(lambda: _raise(away()))
    await server.link.ready()
    assert told == [1]


async def _raise(error: Exception) -> None:
    raise error


async def test_end_of_an_old_connection_is_not_the_end_of_the_next(server):
    """Two who use a connection both see it break; the later one does not break what the earlier one mended."""
    await server.link.ready()
    slow = asyncio.Event()

    async def notices_late() -> None:
        await slow.wait()
        raise away()

    late = asyncio.create_task(server.link.once(notices_late))
    await asyncio.sleep(0)
    with pytest.raises(BackendConnectionError):
        await server.link.once(lambda: _raise(away()))
    await server.link.ready()
    slow.set()
    with pytest.raises(BackendConnectionError):
        await late
    assert server.link.is_open
    assert server.events.count("open") == 2


async def test_once_needs_a_connection(server):
    """It neither opens nor waits."""
    with pytest.raises(BackendConnectionError, match="the server: no connection"):
        await server.link.once(done)
    assert server.events == []


async def test_closing_that_fails_does_not_keep_from_opening(server, caplog):
    """What is broken may not even close; a line says so."""
    await server.link.ready()
    server.closing = OSError("already broken")
    with pytest.raises(BackendConnectionError):
        await server.link.once(lambda: _raise(away()))
    assert await server.link.through(done) == "done"
    assert "closing went wrong (OSError: already broken)" in caplog.text
    await server.link.close()
    assert not server.link.is_open


async def test_close_during_an_outage(server):
    """Who waits is told; no task is left; and the link opens again when it is used."""
    server.refusals = [away() for _ in range(10_000)]
    waiting = asyncio.create_task(server.link.through(done))
    await until(lambda: len(server.events) > 2)
    await server.link.close()
    with pytest.raises(BackendConnectionError, match="closed while it was connecting"):
        await waiting
    assert asyncio.all_tasks() == {asyncio.current_task()}
    server.refusals.clear()
    assert await server.link.through(done) == "done"


async def test_close_while_it_opens(server):
    """An opening that hangs is cancelled, and let go of."""
    server.gate.clear()
    waiting = asyncio.create_task(server.link.ready())
    await until(lambda: server.events)
    await server.link.close()
    with pytest.raises(BackendConnectionError):
        await waiting
    assert server.events == ["open", "close"]


async def test_closing_twice_closes_once(server):
    """And a link that was never used has nothing to close."""
    await server.link.close()
    await server.link.ready()
    await server.link.close()
    await server.link.close()
    assert server.events == ["open", "close"]


async def test_who_waits_may_be_cancelled_alone(server):
    """The opening goes on for the others."""
    server.gate.clear()
    first, second = asyncio.create_task(server.link.ready()), asyncio.create_task(server.link.ready())
    await until(lambda: server.events)
    first.cancel()
    await asyncio.wait([first])
    assert first.cancelled()
    server.gate.set()
    await second
    assert server.events == ["open"]


def test_link_serves_one_loop_after_the_other():
    """What was opened on a loop that is gone is opened anew."""

    async def use() -> str:
        server.gate = asyncio.Event()
        server.gate.set()
        return await server.link.through(done)

    server = Server()
    assert [asyncio.run(use()), asyncio.run(use())] == ["done", "done"]
    assert server.events == ["open", "close", "open"]
