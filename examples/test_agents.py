"""Tests of the example agents, which show how to use the fixtures of ``microagent.testing``."""

from datetime import timedelta

import pytest

from examples.comment_agent import CommentAgent
from examples.contracts import Broker, Bus, queues, signals
from examples.email_agent import EmailAgent
from examples.user_agent import UserAgent
from microagent import NoReceivers, RetryPolicy, consumer
from microagent.testing import Clock, RecordingBroker, RecordingBus, Sent, StartAgent, until


async def test_new_user_is_welcomed(start_agent: StartAgent, bus: RecordingBus, sent: Sent) -> None:
    """
    ``start_agent`` starts an agent on ``bus`` and ``broker``, and stops it after the test; ``sent`` records all sends.
    """
    await start_agent(UserAgent)
    await Bus(bus).user_created.send("test", user_id=1)

    await until(lambda: sent(queues.mailer))
    sent(queues.mailer).assert_once({"text": "Welcome text", "email": "user@lwr.pw"})


async def test_report_is_sent_every_minute(start_agent: StartAgent, sent: Sent, clock: Clock) -> None:
    """
    With ``clock``, the test moves time forward, and everything that is due in that time runs.
    """
    await start_agent(UserAgent)
    await clock.advance(59)
    assert sent(queues.mailer) == []
    await clock.advance(1)
    assert sent(queues.mailer) == [{"text": "Report text", "email": "admin@lwr.pw"}]
    await clock.advance_to(clock.wall + timedelta(hours=1))
    assert sent(queues.mailer) == [{"text": "Report text", "email": "admin@lwr.pw"}] * 61


async def test_comments_are_counted(start_agent: StartAgent, bus: RecordingBus, sent: Sent, clock: Clock) -> None:
    """
    Several agents can share a bus and a broker; ``settle`` returns when nothing is left to do except wait for time.
    """
    agent = await start_agent(CommentAgent)
    await start_agent(UserAgent, enable_periodic_tasks=False)
    for _ in range(2):
        await Bus(bus).user_comment.send("test", user_id=7, text="Nice")
    await clock.settle()

    assert agent.comments_cache == {7: 2}
    assert sent(queues.mailer) == [{"text": "Comment", "email": "user@lwr.pw"}] * 2
    sent(signals.user_comment).assert_any("test", user_id=7, text="Nice")
    assert sent(signals.rpc_comments_count) == [{"user_id": 7}] * 2


async def test_count_takes_a_second(start_agent: StartAgent, bus: RecordingBus, clock: Clock) -> None:
    """
    A reply can take time; the clock also moves the timeout of the call.
    """
    await start_agent(CommentAgent)
    contract = Bus(bus)
    async with contract.rpc_comments_count.waiter("test", user_id=7) as replies:
        await clock.advance(1)
        assert await anext(replies) == {"CommentAgent.example_rpc_handler": 0}


async def test_nobody_counts(bus: RecordingBus) -> None:
    """
    A bus can also be used without agents.
    """
    with pytest.raises(NoReceivers):
        await Bus(bus).rpc_comments_count.call("test", user_id=7)


async def test_mail_that_fails_comes_again(start_agent: StartAgent, broker: RecordingBroker, clock: Clock) -> None:
    """
    Retries follow the clock: hours of them take no real time.
    """

    class Failing(EmailAgent):
        @consumer(queues.mailer, retry=RetryPolicy(retries=3, first=600, longest=3600))
        async def example_read_queue(self, text: str, email: str, **kwargs: object) -> None:
            raise ConnectionError("no mail server")

    await start_agent(Failing)
    await Broker(broker).mailer.send({"text": "Hi", "email": "user@lwr.pw"})
    await clock.advance(5 * 3600)

    (letter,) = await Broker(broker).mailer.dead()
    assert (letter.reason, letter.attempts) == ("ConnectionError: no mail server", 4)
