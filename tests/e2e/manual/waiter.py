# mypy: ignore-errors
import asyncio
import logging
import sys

from microagent.tools.redis import RedisSignalBus, RedisBroker

from comment_agent import CommentAgent

logging.basicConfig(stream=sys.stdout, level=logging.INFO)


async def main():
    bus = RedisSignalBus('redis://localhost/7')
    broker = RedisBroker('redis://localhost/7')
    agent = CommentAgent(bus=bus, broker=broker)
    await agent.start()

    response = await bus.rpc_comments_count.call('user_agent', user_id=1)
    value = response['CommentAgent.example_rpc_handler']
    logging.info('Get value %s', value)

    async with bus.rpc_comments_count.waiter('user_agent', user_id=1) as queue:
        async for x in queue:
            logging.info('Get response %s', x)
            break

    await bus.started.send('user_agent')
    await broker.mailer({'text': 'Hi', 'email': 'user@lwr.pw'})
    logging.info('Get length %s', await broker.mailer.length())
    await agent.stop()


if __name__ == '__main__':
    asyncio.run(main())
