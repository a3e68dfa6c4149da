"""
A producer or consumer in a process of its own, which writes down what it does.

It stands alone, so that microagent 1.9 can run it too::

    worker.py LEDGER BACKEND DSN OPTIONS QUEUE consume SECONDS
    worker.py LEDGER BACKEND DSN OPTIONS QUEUE hold
    worker.py LEDGER BACKEND DSN OPTIONS QUEUE fall SECONDS
    worker.py LEDGER BACKEND DSN OPTIONS QUEUE produce NAME COUNT RATE
"""

import asyncio
import importlib
import json
import math
import os
import random
import signal
import sys
import time

from microagent import MicroAgent, Queue, consumer

PATH, BACKEND, DSN, OPTIONS, NAME, ROLE, *ARGUMENTS = sys.argv[1:]
KILLER = "killer"  # the message whose handler ends its process
AT_ONCE = 20  # messages that one producer has on their way
LEDGER = os.open(PATH, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

queue = Queue(name=NAME)
stopping = asyncio.Event()


def write(*words):
    """One line, which is there even if we are not any more."""
    os.write(LEDGER, f"{time.time():.6f} {' '.join(map(str, words))}\n".encode())
    os.fsync(LEDGER)


def make_broker():
    module, _, name = BACKEND.partition(":")
    return getattr(importlib.import_module(module), name)(DSN, **json.loads(OPTIONS))


class Consuming(MicroAgent):
    """Takes a moment for each message, ``longest`` at most."""

    longest = 0.0

    @consumer(queue=queue, timeout=60)
    async def handle(self, id, delivery=None, **_):  # noqa: A002 - it is the ledger's word
        write("start", id, getattr(delivery, "attempt", 0))
        if id == KILLER:
            os.kill(os.getpid(), signal.SIGKILL)
        await (asyncio.sleep(random.uniform(0, self.longest)) if self.longest < math.inf else asyncio.Event().wait())
        write("done", id)


async def consume(longest):
    Consuming.longest = float(longest)
    agent = Consuming(broker=make_broker())
    starting, stop = asyncio.create_task(agent.start()), asyncio.create_task(stopping.wait())
    await asyncio.wait((starting, stop), return_when=asyncio.FIRST_COMPLETED)
    if not stopping.is_set():
        await starting
        print("ready", flush=True)
    await stop
    await agent.stop()
    await starting


async def hold():
    await consume("inf")


def fall(longest):
    """Consumers, each begun when the one before was killed, until one is told to end; all end with this process."""
    importlib.import_module(BACKEND.partition(":")[0])
    alive, held_by_us = os.pipe()
    print("ready", flush=True)
    while (pid := os.fork()) and os.WIFSIGNALED(wait_for(pid)):
        pass
    if not pid:
        os.close(held_by_us)
        asyncio.run(consume_while(alive, longest))


def wait_for(pid):
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(pid, number))
    return os.waitpid(pid, 0)[1]


async def consume_while(alive, longest):
    loop = asyncio.get_running_loop()
    loop.add_reader(alive, os._exit, 1)
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    await consume(longest)


async def produce(name, count, rate):
    broker = make_broker()
    gate, sending = asyncio.Semaphore(AT_ONCE), set()
    loop = asyncio.get_running_loop()
    begin = loop.time()
    print("ready", flush=True)
    for number in range(int(count)):
        await asyncio.sleep(max(0.0, begin + number / float(rate) - loop.time()))
        await gate.acquire()
        if stopping.is_set():
            break
        task = asyncio.create_task(send(broker, f"{name}-{number}", gate))
        sending.add(task)
        task.add_done_callback(sending.discard)
    await asyncio.gather(*sending)
    if hasattr(broker, "close"):
        await broker.close()


async def send(broker, number, gate):
    write("try", number)
    try:
        await getattr(broker, NAME).send({"id": number})
    except Exception as error:  # noqa: BLE001 - it is not accepted, whatever the reason
        print(f"{number} is not accepted: {type(error).__name__}: {error}", flush=True)
    else:
        write("ok", number)
    finally:
        gate.release()


async def main():
    if hasattr(MicroAgent, "stop"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await {"consume": consume, "hold": hold, "produce": produce}[ROLE](*ARGUMENTS)


if ROLE == "fall":
    fall(*ARGUMENTS)
else:
    asyncio.run(main())
