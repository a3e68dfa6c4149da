"""Tests of agents that contracts refuse."""

from contracts import queues, signals

from microagent import MicroAgent
from microagent.testing import Sent, StartAgent


async def test_agent(start_agent: StartAgent, sent: Sent) -> None:
    sent(signals.user_created).assert_once("agent", user_id="1")  # E: mypy[arg-type] pyright[reportArgumentType]
    sent(signals.user_created).assert_once("agent", userid=1)  # E: mypy[call-arg] pyright[reportCallIssue]
    sent(signals.user_created).assert_any("agent")  # E: mypy[call-arg] pyright[reportCallIssue]
    sent(queues.mailer).assert_once({"text": "Hi"})  # E: mypy[typeddict-item] pyright[reportArgumentType]
    # E: mypy[arg-type] pyright[reportArgumentType]
    sent(queues.mailer).assert_any({"text": "Hi", "email": "a@example.org"}, delay="30")
    # E: mypy[typeddict-item] pyright[reportGeneralTypeIssues,reportUnknownArgumentType]
    print(sent(queues.mailer)[0]["subject"])
    # E: mypy[attr-defined] pyright[reportAttributeAccessIssue,reportUnknownMemberType,reportUnknownArgumentType]
    print(sent(signals.user_creatd))
    await start_agent(MicroAgent, enable_servers=False)  # E: mypy[call-arg] pyright[reportCallIssue]
    await start_agent(int)  # E: mypy[type-var] pyright[reportArgumentType]
