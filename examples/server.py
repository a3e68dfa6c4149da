"""
Run the three agents in one process, with a script instead of ``marun``::

    python -m examples.server
"""

import asyncio
import logging
import sys

from examples.comment_agent import CommentAgent
from examples.contracts import Broker, Bus
from examples.email_agent import EmailAgent
from examples.user_agent import UserAgent
from microagent.tools.local import LocalBroker, LocalSignalBus

logging.basicConfig(
    format="%(levelname)-8s [pid#%(process)d] %(asctime)s %(name)s %(message)s", stream=sys.stdout, level=logging.INFO
)


async def main() -> None:
    bus = Bus(LocalSignalBus("local://"))
    broker = Broker(LocalBroker("local://"))
    await bus.started.send("user_agent")

    agents = [
        UserAgent(bus=bus, broker=broker),
        CommentAgent(bus=bus, broker=broker),
        EmailAgent(broker=broker),
    ]
    try:
        for agent in agents:
            await agent.start()
        await asyncio.Event().wait()
    finally:
        for agent in agents:
            await agent.stop()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
