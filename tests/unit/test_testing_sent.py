"""What recording ends remember of what was sent."""

import pytest
from support import unique

from microagent import Delivery, MicroAgent, Queue, Signal, consumer, receiver
from microagent.testing import RecordingBroker, RecordingBus, Sent, until


@pytest.fixture
def signal() -> Signal:
    return Signal(unique("signal"), ["user_id"])


@pytest.fixture
def queue() -> Queue:
    return Queue(unique("queue"))


async def test_what_was_sent_is_given_in_order(
    bus: RecordingBus, broker: RecordingBroker, sent: Sent, signal: Signal, queue: Queue
) -> None:
    """
    The payloads of one signal or queue, and nothing of others, as they travelled.
    """
    assert sent(signal) == sent(queue) == []
    await bus[signal.name].send("test", user_id=1)
    await bus[signal.name].send("test", user_id=(2, 3))
    await broker[queue.name].send({"text": "Hi"})

    assert sent(signal) == [{"user_id": 1}, {"user_id": [2, 3]}]
    assert sent(queue) == [{"text": "Hi"}]


async def test_what_is_sent_again_is_sent(broker: RecordingBroker, sent: Sent, start_agent, queue: Queue) -> None:
    """
    A message of a dead letter counts as often as somebody sends it.
    """

    class Burying(MicroAgent):
        @consumer(queue, autoack=False)
        async def bury(self, delivery: Delivery, **message: object) -> None:
            delivery.bury("no")

    await start_agent(Burying)
    await broker[queue.name].send({"text": "Hi"})
    (letter,) = await until(broker[queue.name].dead)
    assert await broker[queue.name].resend(letter) == 1
    assert sent(queue) == [{"text": "Hi"}, {"text": "Hi"}]


async def test_calls_are_remembered_and_their_replies_are_not(
    bus: RecordingBus, sent: Sent, start_agent, signal: Signal
) -> None:
    """
    A call is a signal that somebody answers.
    """

    class Counting(MicroAgent):
        @receiver(signal)
        async def count(self, **kwargs: object) -> int:
            return 7

    await start_agent(Counting)
    assert await bus[signal.name].call("test", user_id=1) == {"Counting.count": 7}

    sent(signal).assert_once("test", user_id=1)
    assert list(sent._items) == [signal]


async def test_assert_once(bus: RecordingBus, sent: Sent, signal: Signal) -> None:
    """
    ``assert_once`` holds when a signal was sent once with this sender and these arguments, and in no other case.
    """
    with pytest.raises(AssertionError) as nothing:
        sent(signal).assert_once("test", user_id=1)
    await bus[signal.name].send("test", user_id=1)
    sent(signal).assert_once("test", user_id=1)
    sent(signal).assert_once(sender="test", user_id=1)
    for sender, user_id in (("test", 2), ("other", 1)):
        with pytest.raises(AssertionError):
            sent(signal).assert_once(sender, user_id=user_id)
    await bus[signal.name].send("test", user_id=1)
    with pytest.raises(AssertionError) as twice:
        sent(signal).assert_once("test", user_id=1)

    name = signal.name
    assert str(nothing.value) == f"expected once\n    {name}: 'test', user_id=1\nbut sent was nothing"
    assert str(twice.value) == (
        f"expected once\n    {name}: 'test', user_id=1\n"
        f"but sent was\n    {name}: 'test', user_id=1\n    {name}: 'test', user_id=1"
    )


async def test_assert_any(broker: RecordingBroker, sent: Sent, queue: Queue) -> None:
    """
    ``assert_any`` holds when a message was sent, whatever else was.
    """
    await broker[queue.name].send({"text": "Hi"})
    await broker[queue.name].send({"text": "Hello"})
    sent(queue).assert_any({"text": "Hi"})
    sent(queue).assert_any({"text": "Hello"})
    with pytest.raises(AssertionError, match=f"among others\n    {queue.name}: {{'text': 'Ho'}}\nbut sent was\n"):
        sent(queue).assert_any({"text": "Ho"})


async def test_what_was_given_stays_as_it_is(broker: RecordingBroker, sent: Sent, queue: Queue) -> None:
    """
    A list that was asked for does not grow, and ``clear`` forgets for the next one.
    """
    await broker[queue.name].send({"text": "Hi"})
    first = sent(queue)
    await broker[queue.name].send({"text": "Hello"})
    sent.clear()

    assert first == [{"text": "Hi"}]
    assert sent(queue) == []


async def test_raw_bytes_need_not_make_sense(bus: RecordingBus, broker: RecordingBroker, sent: Sent) -> None:
    """
    What is no declared signal or message is sent and not remembered.
    """
    name = unique("undeclared")
    await broker.send(name, b"\xff")
    await broker.send(Queue(unique("queue")).name, "no JSON")
    await bus.send(f"PUBSUB:{name}:test", "{}")
    await bus.send("no channel", "{}")

    assert await broker.queue_length(name) == 1
    assert not sent._items


@pytest.mark.parametrize("word", ["user_created", None, 3])
def test_what_is_no_signal_and_no_queue_is_refused(sent: Sent, word: object) -> None:
    """
    Or ``assert not sent(...)`` would hold of anything.
    """
    with pytest.raises(TypeError, match="sent takes a signal or a queue, not "):
        sent(word)  # type: ignore[call-overload]


def test_assertions_take_what_send_takes(sent: Sent, signal: Signal) -> None:
    """
    A sender that is forgotten is told as ``send`` would tell it.
    """
    with pytest.raises(TypeError, match=r"send\(\) missing 1 required positional argument: 'sender'"):
        sent(signal).assert_once(user_id=1)
