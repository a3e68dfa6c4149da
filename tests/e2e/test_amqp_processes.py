"""RabbitMQ between real processes: what one of them held when it was killed is handled by another."""

import asyncio
import sys

from support import unique, until

from microagent import Delivery, MicroAgent, Queue, consumer
from microagent.tools.amqp import AMQPBroker

HANGS = """
import asyncio, sys
from microagent import MicroAgent, Queue, consumer
from microagent.tools.amqp import AMQPBroker

class Hanging(MicroAgent):
    @consumer(Queue(sys.argv[2]), concurrency=5, prefetch=20, timeout=60)
    async def hang(self, number):
        print("began", number, flush=True)
        await asyncio.Event().wait()

async def main():
    await Hanging(broker=AMQPBroker(sys.argv[1])).start()
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_killed_process_loses_nothing(rabbitmq_url: str):
    """All of 200 messages are handled although the process that held twenty of them is killed with -9."""
    queue = Queue(unique("queue"))
    got: list[int] = []

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self, number: int, delivery: Delivery) -> None:
            assert delivery.attempt == 1
            got.append(number)

    agent = Taker(broker=AMQPBroker(rabbitmq_url))
    await asyncio.gather(*(agent.broker[queue.name].send({"number": number}) for number in range(200)))
    command = (sys.executable, "-c", HANGS, rabbitmq_url, queue.name)
    doomed = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert doomed.stdout is not None
    assert await doomed.stdout.readline()
    await agent.start()
    await until(lambda: len(got) >= 180)
    doomed.kill()
    await doomed.communicate()
    await until(lambda: len(got) >= 200)
    assert sorted(got) == list(range(200))
    await agent.stop()
