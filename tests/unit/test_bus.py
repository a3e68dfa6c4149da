"""The signal bus, when its server is away, refuses, hangs or breaks."""

import asyncio
import gc
import logging

import pytest
from scripted import AWAY, ScriptedBus
from support import unique, until

from microagent import (
    AuthError,
    BackendConnectionError,
    ConfigurationError,
    MicroAgent,
    RemoteError,
    Signal,
    SignalNotFound,
    receiver,
)
from microagent import link as link_module


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(link_module, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(link_module, "LONGEST_PAUSE", 0.002)


@pytest.fixture
def signal():
    return Signal(unique("signal"), ["n"])


@pytest.fixture
async def bus():
    bus = ScriptedBus(send_timeout=0.3)
    yield bus
    bus.script.mend()
    await bus.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def agent_of(signal, handle):
    class Agent(MicroAgent):
        @receiver(signal)
        async def hear(self, n, **kwargs):
            return await handle(n)

    return Agent


@pytest.fixture
def heard():
    return []


@pytest.fixture
async def agent(signal, bus, heard):
    async def handle(n):
        heard.append(n)
        return n

    agent = agent_of(signal, handle)(bus=bus)
    yield agent
    bus.script.mend()
    await agent.stop()


async def test_send_waits_for_a_server_that_is_away(signal, bus, agent, heard):
    """Each signal is heard once, in order, when it is back."""
    await agent.start()
    bus.script.fail("_publish", AWAY, AWAY)
    bus.script.fail("_open", AWAY)
    await asyncio.gather(*(bus[signal.name].send("test", n=n) for n in range(5)))
    await until(lambda: len(heard) == 5)
    assert heard == list(range(5))


async def test_send_raises_once_its_timeout_has_passed(signal, bus):
    """A signal is for now: it does not wait for ever."""
    bus.script.is_away = True
    with pytest.raises(BackendConnectionError, match="the server is away"):
        await bus[signal.name].send("test", n=1)


async def test_call_raises_once_the_send_timeout_has_passed(signal, bus):
    """In an outage, a call that was never sent does not wait for its answer."""
    bus.script.is_away = True
    with pytest.raises(BackendConnectionError):
        await bus[signal.name].call("test", n=1)
    assert len(bus._calls) == 0


async def test_call_whose_sending_hangs_ends_at_its_timeout(signal, bus):
    """Whatever holds it: the server says nothing at all."""
    await bus[signal.name].send("test", n=0)
    bus.script.hang("_subscribe")
    with pytest.raises(TimeoutError, match=r"the call could not be sent within 0\.05 s"):
        await bus[signal.name].call("test", timeout=0.05, n=1)
    assert len(bus._calls) == 0


async def test_refusal_is_raised_at_once(signal, bus, agent):
    """To a sender, to a caller and to who starts an agent."""
    bus.script.fail_always("_open", AuthError("wrong password"))
    with pytest.raises(AuthError):
        await bus[signal.name].send("test", n=1)
    with pytest.raises(AuthError):
        await bus[signal.name].call("test", n=1)
    with pytest.raises(AuthError):
        await agent.start()
    assert bus.receivers == {}


@pytest.mark.parametrize("operation", ["_publish", "_receive", "_subscribe"])
async def test_subscriptions_live_again_after_a_loss(signal, bus, agent, heard, operation):
    """Wherever the connection breaks: signals, and replies to calls."""
    await agent.start()
    assert await bus[signal.name].call("test", n=1) == {"Agent.hear": 1}
    bus._subscriptions.by_head.clear()  # the server that comes back knows nothing
    bus.script.fail(operation, AWAY, AWAY)
    if operation != "_publish":
        await bus._link._close()
        with pytest.raises(BackendConnectionError):
            await bus._link.once(_break)
    await until(lambda: _answers(bus, signal))
    assert heard[-1] == 2


async def _break():
    raise AWAY


async def _answers(bus, signal):
    try:
        return await bus[signal.name].call("test", timeout=0.2, n=2) == {"Agent.hear": 2}
    except (LookupError, TimeoutError, BackendConnectionError):
        return False


async def test_reader_that_fails_starts_again(signal, bus, agent, heard, caplog):
    """Meanwhile the agent is not healthy; afterwards it is, without waiting for a signal."""
    bus.script.fail("_receive", RuntimeError("unforeseen"))
    await agent.start()
    await until(lambda: not agent.info()["healthy"])
    assert agent.info()["bus"]["connected"]
    await until(lambda: agent.info()["healthy"])
    await bus[signal.name].send("test", n=1)
    await until(lambda: heard == [1])
    assert "the reader failed, and starts again" in caplog.text


async def test_reader_that_dies_starts_again(signal, bus, agent, heard, caplog):
    """However it came to that: within 5 seconds the agent is not healthy, and then it listens again."""
    await agent.start()
    await until(lambda: agent.info()["healthy"])
    bus._reader.task.cancel()
    await until(lambda: not agent.info()["healthy"], 5)
    await until(lambda: agent.info()["healthy"])
    await bus[signal.name].send("test", n=1)
    await until(lambda: heard == [1])
    assert "reader had ended, and begins again" in caplog.text


async def test_reply_that_cannot_be_sent_is_told(signal, bus, agent, caplog, monkeypatch):
    """Nobody waits for the result of a reply, but somebody should know why a caller got none."""
    await agent.start()
    bus._send_timeout = 0.02
    publish = bus._publish

    async def no_replies(batch):
        if any(":response:" in channel for channel, _ in batch):
            return [OSError("too large")] * len(batch)
        return await publish(batch)

    monkeypatch.setattr(bus, "_publish", no_replies)
    with pytest.raises(TimeoutError, match="no answer"):
        await bus[signal.name].call("test", timeout=0.1, n=1)
    assert "a reply could not be sent: OSError: too large" in caplog.text


async def test_lone_call_is_in_no_hurry_to_hear_whom_it_has_reached(signal, bus, agent, monkeypatch):
    """Its reply comes before that is missed; of many calls, each goes with the others."""
    await agent.start()
    await bus[signal.name].call("test", n=0)  # replies are heard from now on
    begun: list[tuple[str, bool]] = []

    def begin(batch, told, *, idly):
        begun.extend((body.decode(), idly) for channel, body in batch if f":{signal.name}:" in channel)
        return False

    monkeypatch.setattr(bus, "_begin", begin)
    await bus[signal.name].call("test", n=1)
    await asyncio.gather(*(bus[signal.name].call("test", n=n) for n in (2, 3)))
    assert [body for body, idly in begun if idly] == ['{"n":1}', '{"n":2}']


@pytest.mark.parametrize("writes", [[5], [12, 12], [10, 4], [50, 50]])
async def test_callers_go_on_with_half_of_the_replies_while_the_others_are_made(signal, bus, agent, heard, writes):
    """Of calls that came together; a few replies are not worth a write of their own."""
    await agent.start()
    begun: list[tuple[int, int]] = []

    def begin(batch, told, *, idly):
        begun.append((len(batch), len(heard)))
        told([1] * len(batch))
        return True

    bus._begin = begin
    calls = range(sum(writes))
    bus._hand_out([(f"PUBSUB:{signal.name}:test#other.{n}~2", b'{"n":%d}' % n) for n in calls])
    await until(lambda: sum(size for size, _ in begun) == len(calls))
    assert [size for size, _ in begun] == writes
    assert begun[0] == (writes[0], writes[0])  # no more of them were handled by then


async def test_each_signal_has_its_own_result(signal, bus, monkeypatch):
    """One that the server refuses fails alone."""

    async def publish(batch):
        return [ValueError("too large") if b"2" in body else 0 for _, body in batch]

    monkeypatch.setattr(bus, "_publish", publish)
    sends = (bus[signal.name].send("test", n=n) for n in (1, 2, 3))
    results = await asyncio.gather(*sends, return_exceptions=True)
    assert [str(result) for result in results] == ["None", "too large", "None"]


async def test_close_while_handlers_run_closes_for_good(signal, bus):
    """Who was called is told in time, and nothing opens the bus again."""
    running = asyncio.Event()

    async def never(n):
        running.set()
        await asyncio.Event().wait()

    agent = agent_of(signal, never)(bus=bus)
    await agent.start()
    call = asyncio.create_task(bus[signal.name].call("test", timeout=0.1, n=1))
    await running.wait()
    bus.script.fail("_publish", AWAY)
    await bus.close()
    assert asyncio.all_tasks() <= {asyncio.current_task(), call}
    with pytest.raises((RemoteError, TimeoutError)):
        await call
    assert not bus._link.is_open
    await agent.stop()


async def test_close_in_an_outage_tells_who_still_sends(signal, bus):
    """The sender is not cancelled."""
    bus.script.is_away = True
    bus._send_timeout = 0.01
    waiting = asyncio.create_task(bus[signal.name].send("test", n=1))
    await until(lambda: bus.script.calls["_open"])
    await bus.close()
    with pytest.raises(BackendConnectionError):
        await waiting


async def test_stop_in_an_outage_ends(signal, bus, agent):
    """A server that is gone has no subscriptions to give up."""
    await agent.start()
    bus.script.is_away = True
    await agent.stop()
    assert bus.receivers == {}
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_stop_ends_handlers_whatever_unsubscribing_does(signal, bus, caplog):
    """An error of the backend on the way is told, and leaves no task behind."""
    running = asyncio.Event()

    async def never(n):
        running.set()
        await asyncio.Event().wait()

    agent = agent_of(signal, never)(bus=bus)
    await agent.start()
    await bus[signal.name].send("test", n=1)
    await running.wait()
    bus.script.fail("_unsubscribe", RuntimeError("unforeseen"))
    await agent.stop(timeout=0)
    assert "stopping went wrong" in caplog.text
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_bus_serves_one_loop_after_the_other(signal):
    """Without a close in between; nothing is left to complain of."""

    async def use():
        async def handle(n):
            return n

        agent = agent_of(signal, handle)(bus=bus)
        await agent.start()
        assert await bus[signal.name].call("test", n=7) == {"Agent.hear": 7}
        await agent.stop()
        await bus[signal.name].send("test", n=8)

    bus = ScriptedBus()
    asyncio.run(use())
    asyncio.run(use())
    gc.collect()


async def test_signals_are_attributes_and_items(signal, bus):
    """Both doors lead to a bound signal; what is not declared is named."""
    assert getattr(bus, signal.name) is getattr(bus, signal.name)
    assert bus[signal.name].signal is signal
    assert signal.name in repr(bus[signal.name])
    with pytest.raises(SignalNotFound):
        bus.not_declared_at_all  # noqa: B018 - the access is what is tested
    with pytest.raises(SignalNotFound):
        bus["not_declared_at_all"]
    assert not hasattr(bus, "_private")


async def test_password_is_not_shown(signal, caplog):
    """Neither by repr, nor info, nor the log of an outage."""
    bus = ScriptedBus("memory://user:s3cret@place", send_timeout=0.01)
    bus.script.is_away = True
    with caplog.at_level(logging.DEBUG), pytest.raises(BackendConnectionError) as caught:
        await bus[signal.name].send("test", n=1)
    shown = [repr(bus), str(bus._info()), caplog.text, str(caught.value)]
    assert "no connection" in caplog.text
    assert not any("s3cret" in text for text in shown)
    await bus.close()


@pytest.mark.parametrize("uid", ["a:b", "a#b", "a*", "a b"])
def test_uid_that_would_break_a_channel_is_refused(uid):
    """Replies travel under it; one that could not be told from another is none."""
    with pytest.raises(ConfigurationError, match="uid 'a"):
        ScriptedBus(uid=uid)
