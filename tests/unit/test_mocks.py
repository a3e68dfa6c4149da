"""Mocks of bus and broker, for tests of agents that are to run without either."""

import json

import pytest
from support import unique

from microagent import (
    AbstractQueueBroker,
    AbstractSignalBus,
    DeadLetter,
    MicroAgent,
    Queue,
    Signal,
    TypedBroker,
    TypedBus,
    consumer,
    on,
    receiver,
)
from microagent.tools.mocks import BrokerMock, BusMock

SIGNAL = Signal(unique("signal"), ["user_id"])
QUEUE = Queue(unique("queue"))


class Agent(MicroAgent):
    """The manual's: sends, calls, waits, counts."""

    @on("post_start")
    async def work(self):
        await self.bus.user_created.send("agent", user_id=1)
        self.answer = await self.bus.rpc_count.call("agent", user_id=2, timeout=3)
        await self.broker.mailing.send({"text": "Hi"})
        await self.broker.mailing({"text": "Hello"})
        self.length = await self.broker.mailing.length()

    @receiver(SIGNAL)
    async def hear(self, user_id, **kwargs): ...

    @consumer(QUEUE)
    async def consume(self, **message): ...


async def test_agent_lives_on_mocks():
    """It starts, works and stops; what it did is asserted as the manual does."""
    agent = Agent(bus=BusMock(), broker=BrokerMock())
    agent.bus.user_created.send.assert_not_called()
    await agent.start()
    agent.bus.user_created.send.assert_called_once_with("agent", user_id=1)
    agent.bus.rpc_count.call.assert_called_once_with("agent", user_id=2, timeout=3)
    agent.broker.mailing.send.assert_called_once_with({"text": "Hi"})
    agent.broker.mailing.assert_called_once_with({"text": "Hello"})
    agent.broker.mailing.length.assert_called()
    agent.broker.mailing.discard.assert_not_called()
    agent.bus.another.send.assert_not_called()
    await agent.stop()


async def test_mock_says_what_it_is_told_to():
    """Return values and errors are set as on any mock."""
    agent = Agent(bus=BusMock(), broker=BrokerMock())
    agent.bus.rpc_count.call.return_value = {"Other.count": 7}
    agent.broker.mailing.length.return_value = 3
    await agent.start()
    assert (agent.answer, agent.length) == ({"Other.count": 7}, 3)
    await agent.stop()
    agent.bus.user_created.send.side_effect = ConnectionError("away")
    with pytest.raises(ConnectionError):
        await agent.start()


async def test_dead_letters_of_a_mock():
    """It has those that a test gives it, and remembers what became of them."""
    broker = BrokerMock()
    broker.mailing.dead.return_value = letters = [DeadLetter("mailing", b"{}", "no", 4)]
    broker.mailing.resend.side_effect = lambda *letters: len(letters)
    assert await broker.mailing.resend(*await broker.mailing.dead()) == 1
    broker.mailing.resend.assert_called_once_with(*letters)


async def test_waiter_of_a_mock_is_iterated():
    """Over no replies, or over those that the test gives."""
    bus = BusMock()
    async with bus.rpc_count.waiter("agent", user_id=1) as replies:
        assert [reply async for reply in replies] == []
    bus.rpc_count.waiter.return_value.__aenter__.return_value.__aiter__.return_value = [{"A.f": 1}]
    async with bus.rpc_count.waiter("agent", user_id=1) as replies:
        assert [reply async for reply in replies] == [{"A.f": 1}]


class Bus(TypedBus):
    pass


class Broker(TypedBroker):
    pass


@pytest.mark.parametrize("ends", [(BusMock, BrokerMock), (lambda: Bus(BusMock()), lambda: Broker(BrokerMock()))])
async def test_mock_inside_a_face(ends):
    """A typed agent is tested the same way; its face hands on the mock's own children."""

    class Typed(MicroAgent[Bus, Broker]):
        @on("post_start")
        async def work(self):
            await self.bus.user_created.send("agent", user_id=1)
            await self.broker.mailing.send({"text": "Hi"})

    agent = Typed(bus=ends[0](), broker=ends[1]())
    await agent.start()
    agent.bus.user_created.send.assert_called_once_with("agent", user_id=1)
    agent.broker.mailing.send.assert_called_once_with({"text": "Hi"})
    await agent.stop()


@pytest.mark.parametrize(("mock", "cls"), [(BusMock, AbstractSignalBus), (BrokerMock, AbstractQueueBroker)])
def test_mock_is_one_of_the_family(mock, cls):
    """Where the class is asked for, a mock will do."""
    assert isinstance(mock(), cls)


def test_items_and_attributes_are_the_same():
    """``bus["name"]`` is the dynamic door to the same mock."""
    bus, broker = BusMock(), BrokerMock()
    assert bus["user_created"] is bus.user_created
    assert broker["mailing"] is broker.mailing


def test_what_bound_words_do_not_have_mocks_do_not_have():
    """A misspelt method is found."""
    with pytest.raises(AttributeError):
        BusMock().user_created.sent  # noqa: B018 - the access is what is tested
    with pytest.raises(AttributeError):
        BrokerMock().mailing.push  # noqa: B018 - the access is what is tested


def test_agent_on_mocks_has_an_info():
    """JSON can hold it."""
    info = Agent(bus=BusMock(), broker=BrokerMock()).info()
    assert json.loads(json.dumps(info))["bus"] == {"backend": "BusMock", "healthy": True}
