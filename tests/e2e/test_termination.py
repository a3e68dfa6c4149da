"""marun is told to stop while handlers run: some end in time, others do not."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from marun_group import marun, write
from support import unique, until

from microagent import Delivery, MicroAgent, Queue, consumer
from microagent.backends import make_broker

SETTINGS = """
    BUS = {{}}
    BROKER = {{"main": {{"dsn": {dsn!r}}}}}
    AGENT = {{"working": {{"backend": "working.Working", "broker": "main"}}}}
"""
WORKING = """
    import asyncio
    from microagent import MicroAgent, Queue, consumer, on

    class Working(MicroAgent):
        @on("pre_start")
        def prepare(self):
            self.ends = asyncio.Event()

        @consumer(Queue({name!r}))
        async def work(self, kind):
            print(kind, "begins", flush=True)
            await (self.ends if kind == "short" else asyncio.Event()).wait()
            print(kind, "is done", flush=True)

        @on("pre_stop")
        def end(self):
            self.ends.set()
"""
PLACES = ["local", "redis", "amqp", "kafka"]


def dsn_of(request: pytest.FixtureRequest, place: str, folder: Path) -> str:
    if place == "kafka":
        request.getfixturevalue("real_kafka")
    fixture = {"redis": "redis_url", "amqp": "rabbitmq_url", "kafka": "kafka_url"}.get(place)
    return f"local://{folder}/place" if fixture is None else request.getfixturevalue(fixture)


@pytest.mark.parametrize("place", PLACES)
async def test_handlers_end_in_time_or_are_handed_back(request: pytest.FixtureRequest, tmp_path: Path, place: str):
    """
    After SIGTERM a handler that ends within the shutdown timeout is done, once; a longer one is cancelled, its message
    comes elsewhere at once, with no run counted, and the status is 0.
    """
    dsn, queue = dsn_of(request, place, tmp_path), Queue(unique("queue"))
    got: list[tuple[str, int, int]] = []

    class Taking(MicroAgent):
        @consumer(queue)
        async def take(self, kind: str, delivery: Delivery) -> None:
            got.append((kind, delivery.attempt, delivery.crashes))

    write(tmp_path, settings=SETTINGS.format(dsn=dsn), working=WORKING.format(name=queue.name))
    agent = Taking(broker=make_broker({"dsn": dsn}))
    await agent.broker[queue.name].send({"kind": "short"})
    await agent.broker[queue.name].send({"kind": "long"})
    with marun(tmp_path, "settings", "--shutdown-timeout", "2") as group:
        group.says("short begins")
        group.says("long begins")
        group.process.terminate()
        assert group.ends() == 0
        assert group.output.count("short is done") == 1
    await agent.start()
    await until(lambda: got)
    assert got == [("long", 1, 0)]
    assert await agent.broker[queue.name].length() == 0
    await agent.stop()


async def test_second_signal_ends_an_agent_now(tmp_path: Path) -> None:
    """An agent that is told to stop, and told again, cancels its handlers and hands back at once; the status is 0."""
    dsn, queue = f"local://{tmp_path}/place", Queue(unique("queue"))
    write(tmp_path, settings=SETTINGS.format(dsn=dsn), working=WORKING.format(name=queue.name))
    async with make_broker({"dsn": dsn}) as broker:
        await broker[queue.name].send({"kind": "long"})
        with marun(tmp_path, "settings", "--shutdown-timeout", "3600") as group:
            group.says("long begins")
            os.kill(group.pids[0], signal.SIGTERM)
            await asyncio.sleep(1.2)  # signals within a second are one
            assert group.process.poll() is None
            os.kill(group.pids[0], signal.SIGTERM)
            assert group.ends() == 0
        assert await broker[queue.name].length() == 1
