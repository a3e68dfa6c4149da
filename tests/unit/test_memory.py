"""``memory://``: signals and queues inside one process, with the promises of the real ones."""

import asyncio
import gc

import pytest
from support import settled, unique, until

from microagent import MicroAgent, Queue, Signal, receiver
from microagent.channel import Pattern
from microagent.delivery import Verdict
from microagent.tools.memory import MemoryBroker, MemorySignalBus
from microagent.tools.memory import bus as bus_module


async def take(broker, name, limit=100):
    return await broker._take(name, limit)


async def test_place_without_a_name_is_private():
    """Two brokers of ``memory://`` know nothing of each other; two buses neither."""
    queue, signal = Queue(unique("queue")), Signal(unique("signal"), [])
    async with MemoryBroker() as one, MemoryBroker() as other:
        await one[queue.name].send({})
        assert (await one[queue.name].length(), await other[queue.name].length()) == (1, 0)
    async with MemorySignalBus() as bus, MemorySignalBus() as deaf:
        await deaf.bind(signal.name)
        assert await bus._publish([(f"PUBSUB:{signal.name}:test", b"{}")]) == [0]


async def test_place_with_a_name_is_shared_while_it_is_used():
    """By brokers of the same name; when the last is gone, so are its messages."""
    queue, dsn = Queue(unique("queue")), f"memory://{unique('place')}"
    one, other = MemoryBroker(dsn), MemoryBroker(dsn)
    await one[queue.name].send({})
    await one.close()
    assert await other[queue.name].length() == 1
    await other.close()
    del one, other
    gc.collect()
    async with MemoryBroker(dsn) as later:
        assert await later[queue.name].length() == 0


async def test_messages_come_in_order_of_arrival():
    """What is released takes its old place."""
    broker, name = MemoryBroker(), unique("queue")
    for n in range(3):
        await broker.send(name, b'{"n":%d}' % n)
    first, second = await take(broker, name, 2)
    await broker._settle([settled(second, Verdict.RELEASE), settled(first, Verdict.RELEASE)])
    assert [delivery.body for delivery in await take(broker, name)] == [b'{"n":0}', b'{"n":1}', b'{"n":2}']
    await broker.close()


async def test_message_of_a_silent_holder_comes_back_with_its_crash_counted():
    """After the lease; the late verdict of the first holder does nothing."""
    broker, name = MemoryBroker(lease=0.01), unique("queue")
    await broker.send(name, b"{}")
    [first] = await take(broker, name)
    await until(lambda: _reaped(broker, name))
    assert await broker._renew([first]) == {first}
    [second] = await take(broker, name)
    assert (second.attempt, second.crashes) == (1, 1)
    await broker._settle([settled(first, Verdict.ACK)])
    assert await broker._renew([second]) == set()
    await broker.close()


async def _reaped(broker, name):
    await broker._maintain(name)
    return await broker._length(name)


async def test_wait_ends_when_there_is_something(monkeypatch):
    """A new message, or one whose delay is over."""
    broker, name = MemoryBroker(), unique("queue")
    waiting = asyncio.create_task(broker._wait(name, 60))
    await asyncio.sleep(0)
    await broker.send(name, b"{}")
    await waiting
    [delivery] = await take(broker, name)
    await broker._settle([settled(delivery, Verdict.RETRY, delay=0.01)])
    await broker._wait(name, 60)
    [delivery] = await take(broker, name)
    assert delivery.attempt == 2
    await broker._wait(name, 0.01)
    await broker.close()


async def test_waiting_for_nothing_leaves_nothing():
    """A wait that times out or is cancelled is forgotten."""
    broker, name = MemoryBroker(), unique("queue")
    await broker._wait(name, 0.01)
    waiting = asyncio.create_task(broker._wait(name, 60))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert broker._store.queues[name].waiters._futures == set()


async def test_bus_hears_what_it_subscribed_to():
    """Until it unsubscribes; and of the replies, its own."""
    dsn, name = f"memory://{unique('place')}", unique("signal")
    hears, sends = MemorySignalBus(dsn), MemorySignalBus(dsn)
    everything, replies = Pattern(f"P:{name}:"), Pattern("P:response:", "#me.")
    await hears._subscribe([everything, replies])
    batch = [(f"P:{name}:x", b"1"), ("P:response:x#me.1~2", b"2"), ("P:response:x#you.1~2", b"3")]
    assert await sends._publish(batch) == [1, 1, 0]
    assert await hears._receive() == batch[:2]
    await hears._unsubscribe([everything])
    assert await sends._publish(batch) == [0, 1, 0]


async def test_full_inbox_drops_the_newest_and_tells(monkeypatch, caplog):
    """A bus that does not read does not fill the memory."""
    monkeypatch.setattr(bus_module, "INBOX", 3)
    bus, name = MemorySignalBus(), unique("signal")
    await bus._subscribe([Pattern(f"P:{name}:")])
    await bus._publish([(f"P:{name}:x", b"%d" % n) for n in range(5)])
    assert [body for _, body in await bus._receive()] == [b"0", b"1", b"2"]
    assert bus._dropped.total == 2
    assert "is read too slowly: 1 signals dropped" in caplog.text


async def test_closed_bus_is_out_of_the_air():
    """Nothing is kept for it."""
    signal, dsn = Signal(unique("signal"), []), f"memory://{unique('place')}"

    class Agent(MicroAgent):
        @receiver(signal)
        async def hear(self, **kwargs): ...

    agent, other = Agent(bus=MemorySignalBus(dsn)), MemorySignalBus(dsn)
    await agent.start()
    assert await other._publish([(f"PUBSUB:{signal.name}:x", b"{}")]) == [1]
    await agent.stop()
    assert await other._publish([(f"PUBSUB:{signal.name}:x", b"{}")]) == [0]


@pytest.mark.parametrize("cls", [MemoryBroker, MemorySignalBus])
def test_constructor_touches_no_loop(cls):
    """It is made before there is one."""
    assert cls().dsn == "memory://"
