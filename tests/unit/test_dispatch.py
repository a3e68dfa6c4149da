"""Signals that came in, on their way to the receivers of this process."""

import asyncio
import logging

import pytest
from support import unique, until

from microagent import Signal
from microagent import dispatch as dispatch_module
from microagent.admission import Admission
from microagent.channel import Channel
from microagent.dispatch import Dispatch
from microagent.execution import Deadlines
from microagent.signal import Receiver

log = logging.getLogger("test.dispatch")


class Agent:
    """Whose methods handle signals: ``hear`` does what the test says."""

    def __init__(self, hear):
        self._hear = hear
        self.heard = []

    async def hear(self, n, **kwargs):
        self.heard.append(n)
        return await self._hear(n)

    async def echo(self, n):
        return n


class Process:
    """A dispatch, and the replies that it sends."""

    def __init__(self, mode="warn"):
        self.replies = []
        self.dispatch = Dispatch(log, Admission(mode, log), lambda channel, reply: self.replies.append(reply))
        self.signal = Signal(unique("signal"), {"n": "integer"}, returns="integer")
        self.receivers = []

    def add(self, handler, timeout=60.0):
        self.receivers.append(Receiver(handler.__self__, handler, self.signal, timeout))
        self.dispatch.add(self.receivers[-1])

    def deliver(self, n, request_id=None):
        body = b'{"n":%s}' % (n if isinstance(n, bytes) else str(n).encode())
        self.dispatch.deliver(Channel("P", self.signal.name, "test", request_id), body)

    async def close(self, timeout=0.0):
        await self.dispatch.remove(self.receivers, timeout)

    @property
    def lane(self):
        return self.dispatch._lanes[self.signal.name][0]


@pytest.fixture
async def process():
    process = Process()
    yield process
    await process.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture
def gate():
    return asyncio.Event()


@pytest.fixture
def agent(gate):
    """Its handler waits for the gate."""

    async def hear(n):
        await gate.wait()
        return n

    return Agent(hear)


async def test_bounds_of_a_receiver(process, agent, gate, caplog):
    """100 run, 10,000 wait, the newest are dropped with counted lines; those who called are told at once."""
    process.add(agent.hear)
    for n in range(10_103):
        process.deliver(n)
    process.deliver(0, "uid.1~2")
    await until(lambda: len(agent.heard) == 100)
    [reply] = process.replies
    assert reply.errors == {"Agent.hear": "OverflowError: too many signals wait for this handler"}
    gate.set()
    await until(lambda: len(agent.heard) == 10_100)
    await process.close(timeout=5)
    assert agent.heard == list(range(10_100))
    assert [message.split(": ")[1] for message in caplog.messages] == [
        f"{count} signals '{process.signal.name}' dropped" for count in (1, 3)
    ]


async def test_one_busy_receiver_does_not_hold_the_others(process, agent):
    """Each has bounds of its own."""
    process.add(agent.hear)
    quick = Agent(lambda n: asyncio.sleep(0))
    process.add(quick.hear)
    for n in range(300):
        process.deliver(n)
    await until(lambda: len(quick.heard) == 300)
    assert len(agent.heard) == 100


async def test_reply_comes_when_the_last_handler_has_answered(process, agent, gate):
    """One reply for all handlers of the process."""
    process.add(agent.hear)
    process.add(agent.echo)
    process.deliver(7, "uid.1~2")
    await until(lambda: agent.heard)
    assert process.replies == []
    gate.set()
    await until(lambda: process.replies)
    [reply] = process.replies
    assert reply.values == {"Agent.hear": 7, "Agent.echo": 7}


async def test_thousands_of_timeouts_are_told(process, agent):
    """Every run ends at its deadline, and every caller learns it."""
    process.add(agent.hear, timeout=0.02)
    for n in range(1_000):
        process.deliver(n, f"uid.{n}~2")
    await until(lambda: len(process.replies) == 1_000)
    assert all(reply.errors["Agent.hear"].startswith("TimeoutError") for reply in process.replies)
    assert process.lane._running == 0


async def test_handler_that_ignores_its_cancellation_gives_its_place_away(process, gate, caplog, monkeypatch):
    """After timeout and grace: its caller is told, what waits is begun, and its late end changes nothing."""
    monkeypatch.setattr(dispatch_module, "RUNNING", 1)
    monkeypatch.setattr(dispatch_module, "Deadlines", lambda: Deadlines(grace=0.02))

    async def stubborn(n):
        while n == 1 and not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue
        return n

    agent = Agent(stubborn)
    process.add(agent.hear, timeout=0.02)
    for n in (1, 2, 3):
        process.deliver(n, f"uid.{n}~2")
    await until(lambda: len(process.replies) == 3)
    assert process.replies[0].errors["Agent.hear"].startswith("TimeoutError")
    assert [reply.values for reply in process.replies[1:]] == [{"Agent.hear": 2}, {"Agent.hear": 3}]
    assert "Agent.hear ignores its cancellation and is left behind" in caplog.text
    gate.set()
    await until(lambda: len(process.lane._tasks) == 0)
    assert process.lane._running == 0
    assert len(process.replies) == 3


async def test_stop_lets_what_runs_and_what_waits_finish(process, agent, gate, monkeypatch):
    """Within its time."""
    monkeypatch.setattr(dispatch_module, "RUNNING", 2)
    process.add(agent.hear)
    for n in range(10):
        process.deliver(n)
    closing = asyncio.create_task(process.close(timeout=5))
    await asyncio.sleep(0)
    gate.set()
    await closing
    assert agent.heard == list(range(10))


async def test_callers_of_what_a_stop_cuts_short_are_told(process, agent, monkeypatch):
    """Those whose handler ran, and those whose handler never began."""
    monkeypatch.setattr(dispatch_module, "RUNNING", 1)
    process.add(agent.hear)
    for n in range(3):
        process.deliver(n, f"uid.{n}~2")
    await until(lambda: agent.heard)
    await process.close()
    assert agent.heard == [0]
    assert [list(reply.errors) for reply in process.replies] == [["Agent.hear"]] * 3


async def test_stopped_receiver_hears_nothing_more(process, agent):
    """From the moment that it is removed, also while its last handlers finish."""
    process.add(agent.hear)
    process.deliver(1)
    await until(lambda: agent.heard)
    closing = asyncio.create_task(process.close(timeout=0.05))
    await asyncio.sleep(0)
    process.deliver(2)
    await closing
    assert agent.heard == [1]


@pytest.mark.parametrize("body", [b"[]", b"", b"{", b"\xff", b'{"n":NaN}', b'{"n":' + b"[" * 100_000])
async def test_signal_that_cannot_be_read_is_one_line(process, agent, body, caplog):
    """And the next one is heard."""
    process.add(agent.echo)
    process.dispatch.deliver(Channel("P", process.signal.name, "test"), body)
    assert len(caplog.messages) == 1
    assert "that cannot be read is dropped" in caplog.text
    process.deliver(1, "uid.1~2")
    await until(lambda: process.replies)


async def test_signal_without_receivers_is_not_even_read(process, caplog):
    """There is nobody to read it for."""
    process.dispatch.deliver(Channel("P", process.signal.name, "test"), b"[]")
    assert caplog.messages == []


async def test_names_of_the_handlers_own_are_not_overwritten(process):
    """``signal`` and ``sender`` are what they say, whatever a payload has under these names."""
    seen = {}

    class Witness:
        async def hear(self, n, signal, sender, **kwargs):
            seen.update(n=n, signal=signal, sender=sender, **kwargs)

    process.add(Witness().hear)
    process.deliver(b'1,"signal":"forged","sender":"forged","more":2')
    await until(lambda: seen)
    assert seen == {"n": 1, "signal": process.signal, "sender": "test", "more": 2}


async def test_argument_named_as_the_handlers_agent_drops_its_signal(process, agent, gate, caplog):
    """A handler that takes anything cannot take this, which is one line and told to a caller; the next one is heard."""
    gate.set()
    process.add(agent.hear)
    process.deliver(b'1,"self":2', "uid.1~2")
    process.deliver(2)
    await until(lambda: agent.heard == [2])
    assert [record.getMessage()[:33] for record in caplog.records] == ["A signal is dropped: it has a key"]
    assert "it has a key 'self'" in process.replies[0].errors["Agent.hear"]


@pytest.mark.parametrize(("mode", "error"), [("strict", "SignalSerializingError"), ("warn", None), ("off", None)])
async def test_answer_that_does_not_fit(mode, error, gate):
    """Strict: an error for the caller; otherwise it is sent."""

    async def text(n):
        return "many"

    process = Process(mode)
    process.add(Agent(text).hear)
    process.deliver(1, "uid.1~2")
    await until(lambda: process.replies)
    [reply] = process.replies
    if error is None:
        assert reply.values == {"Agent.hear": "many"}
    else:
        assert reply.errors["Agent.hear"].startswith(error)
    await process.close()


async def test_bytes_that_wait_are_bounded(process, agent, gate, caplog, monkeypatch):
    """Few signals may be large: what would exceed the bytes that may wait is dropped, too."""
    monkeypatch.setattr(dispatch_module, "WAITING_BYTES", 1_000)
    process.add(agent.hear)
    lane = process.lane
    for _ in range(100):
        process.deliver(b'1,"text":"%s"' % (b"x" * 90))
    await until(lambda: lane._running == 100)
    for _ in range(100):
        process.deliver(b'1,"text":"%s"' % (b"x" * 90))
    assert len(lane._waiting) == 9
    gate.set()
    await until(lambda: len(agent.heard) == 109)
    assert "is too slow" in caplog.text
    assert lane._waiting_bytes == 0
