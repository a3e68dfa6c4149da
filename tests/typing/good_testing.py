"""Tests of agents that contracts accept."""

from typing import Any, assert_type

from contracts import Broker, Bus, MailerMessage, queues, signals

from microagent import DeadLetter, MicroAgent, Queue, Signal
from microagent.testing import Clock, Sent, SentMessages, StartAgent, until


class Agent(MicroAgent[Bus, Broker]):
    ready: bool = False


async def test_agent(start_agent: StartAgent, sent: Sent, clock: Clock) -> None:
    agent = await start_agent(Agent, settings={"lang": "en"}, enable_periodic_tasks=False)
    assert_type(agent, Agent)
    assert_type(await start_agent(Agent()), Agent)
    await clock.advance(60)
    assert_type(await until(lambda: agent.ready), bool)
    assert_type(await until(agent.broker.mailer.dead), list[DeadLetter])
    assert_type(sent(queues.mailer)[0], MailerMessage)
    assert_type(sent(queues.mailer)[0]["text"], str)
    assert_type(sent(signals.user_created)[0], dict[str, Any])
    assert_type(await until(lambda: sent(queues.mailer)), SentMessages[MailerMessage])
    sent(signals.user_created).assert_once("agent", user_id=1)
    sent(signals.user_created).assert_any(sender="agent", user_id=1)
    sent(queues.mailer).assert_once({"text": "Hi", "email": "a@example.org"})
    sent(queues.mailer).assert_any({"text": "Hi", "email": "a@example.org"}, delay=30)
    sent(Signal("anything")).assert_once("agent", whatever=1)
    sent(Queue("anything")).assert_once({"whatever": 1})
