"""
The examples of the manual of 1.7, in ``manual/`` as they stand there: they run unchanged, but for the server.

Where it says Redis, they run on ``local://``.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from support import unique

from microagent import (
    DeclarationError,
    MicroAgent,
    Queue,
    ScheduleError,
    ServerInterrupt,
    Signal,
    consumer,
    cron,
    load_queues,
    on,
    periodic,
    receiver,
)
from microagent.testing import Clock, RecordingBroker, RecordingBus, StartAgent, until
from microagent.tools.mocks import BrokerMock, BusMock

MANUAL = Path(__file__).parent / "manual"
LOCAL = {
    "microagent.tools.redis": "microagent.tools.local",
    "RedisSignalBus": "LocalSignalBus",
    "RedisBroker": "LocalBroker",
    "redis://localhost/7": "local://",
}
FLOWS = [
    "Run periodic task",
    "Catch signal {.*'text': 'informer text'",
    "Get value = {'CommentAgent.example_rpc_handler': [01]}",
    "Catch emailer {'text': 'Comment', 'email': 'user@lwr.pw'}",
]


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A folder ``examples`` with the files of the manual."""
    folder = tmp_path / "examples"
    shutil.copytree(MANUAL, folder)
    (folder / "__init__.py").touch()
    return folder


def on_local(script: Path) -> Path:
    """The script, with another import and another DSN."""
    text = script.read_text()
    for redis, local in LOCAL.items():
        text = text.replace(redis, local)
    script.write_text(text)
    return script


@contextmanager
def running(command: Sequence[str | Path], folder: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command whose output goes to ``output.log``; what is left of it at the end is killed."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("MICROAGENT")}
    with (folder / "output.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**own, **environment}, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


async def seen(process: subprocess.Popen[bytes], folder: Path) -> str:
    """The output, as soon as all flows are in it."""

    def missing() -> list[str]:
        output = (folder / "output.log").read_text()
        assert process.poll() is None, output
        return [flow for flow in FLOWS if not re.search(flow, output)]

    await until(lambda: not missing(), timeout=30)
    return (folder / "output.log").read_text()


async def test_custom_server_runs(examples: Path) -> None:
    """
    Three agents in one process: signals, a call, messages and timers.
    """
    with running([sys.executable, on_local(examples / "redis_server.py")], examples) as process:
        output = await seen(process, examples)

    assert "Traceback" not in output
    assert "'user_comment' is sent although it does not fit its declaration" in output  # its `text` is not declared


async def test_settings_run(examples: Path) -> None:
    """
    The same with marun, in three processes, the settings as they are and the server chosen by the environment.
    """
    command = [Path(sys.executable).with_name("marun"), "examples.settings"]
    servers = {"MICROAGENT_BUS": "local://", "MICROAGENT_BROKER": "local://"}
    with running(command, examples.parent, **servers) as process:
        output = await seen(process, examples.parent)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0

    assert "Traceback" not in output


def test_answers_are_waited_for(examples: Path) -> None:
    """
    ``call``, ``waiter``, and bus and broker used by a script.
    """
    script = on_local(examples / "waiter.py")
    done = subprocess.run([sys.executable, script], cwd=examples, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "Get value 0" in done.stdout
    assert "Get response {'CommentAgent.example_rpc_handler': 0}" in done.stdout
    assert "Get length 1" in done.stdout


@pytest.fixture
def log() -> SimpleNamespace:
    """The ``log`` of the manual's handlers, which keeps what it is told."""
    told: list[str] = []
    return SimpleNamespace(told=told, info=lambda text, *values: told.append(text % values))


async def test_consumers(start_agent: StartAgent, broker: RecordingBroker, log: SimpleNamespace) -> None:
    """
    The four consumers of the manual: plain, with a timeout, with a DTO, with a DTO under a name.
    """
    queue_1, queue_2, queue_3, queue_4 = (Queue(unique("queue")) for _ in range(4))

    @dataclass
    class MyDTO:
        a: int

    class Agent(MicroAgent):
        @consumer(queue_1)
        async def handler_1(self, **kwargs):
            log.info("Called handler 1 %s", kwargs)

        @consumer(queue_2, timeout=30)
        async def handle_2(self, **kwargs):
            log.info("Called handler 2 %s", kwargs)

        @consumer(queue_3, dto_class=MyDTO)
        async def handle_3(self, dto: MyDTO, **kwargs):
            log.info("Called handler 3 %s", dto)  # dto = MyDTO(**kwargs)

        @consumer(queue_4, timeout=30, dto_class=MyDTO, dto_name="obj")
        async def handle_4(self, obj: MyDTO, **kwargs):
            log.info("Called handler 4 %s", obj)  # obj = MyDTO(**kwargs)

    await start_agent(Agent)
    for queue in (queue_1, queue_2, queue_3, queue_4):
        await broker[queue.name].send({"a": 1})
    await until(lambda: len(log.told) == 4)

    shown = ["{'a': 1}", "{'a': 1}", f"{MyDTO(1)}", f"{MyDTO(1)}"]
    assert sorted(log.told) == [f"Called handler {number} {what}" for number, what in enumerate(shown, 1)]


async def test_receivers(start_agent: StartAgent, bus: RecordingBus, log: SimpleNamespace) -> None:
    """
    A handler of many signals, and many handlers of one signal.
    """
    signal_1, signal_2 = Signal(unique("signal")), Signal(unique("signal"))

    class Agent(MicroAgent):
        @receiver(signal_1, signal_2)
        async def handler_1(self, **kwargs):
            log.info("Called handler 1 %s", kwargs)

        @receiver(signal_1)
        async def handle_2(self, **kwargs):
            log.info("Called handler 2 %s", kwargs)

        @receiver(signal_2, timeout=30)
        async def handle_3(self, **kwargs):
            log.info("Called handler 3 %s", kwargs)

    await start_agent(Agent)
    await bus[signal_1.name].send("test")
    await bus[signal_2.name].send("test")
    await until(lambda: len(log.told) == 4)

    assert sorted(text[:16] for text in log.told) == [f"Called handler {number}" for number in (1, 1, 2, 3)]


async def test_timers(start_agent: StartAgent, clock: Clock, log: SimpleNamespace) -> None:
    """
    Periods with all their parameters, and cron specs.
    """

    class Agent(MicroAgent):
        @periodic(period=5)
        async def handler_1(self):
            log.info("Called handler 1")

        @periodic(5, timeout=4)
        async def handler_2(self):
            log.info("Called handler 2")

        @periodic(period=5, start_after=10)
        async def handler_3(self):
            log.info("Called handler 3")

        @cron("0 */4 * * *")
        async def handler_4(self):
            log.info("Called handler 4")

        @cron("*/15 * * * *", timeout=10)
        async def handler_5(self):
            log.info("Called handler 5")

    await start_agent(Agent)
    await clock.advance(4 * 3600)

    counts = {number: log.told.count(f"Called handler {number}") for number in range(1, 6)}
    assert counts == {1: 2881, 2: 2881, 3: 2879, 4: 1, 5: 16}


async def test_hooks(start_agent: StartAgent, log: SimpleNamespace) -> None:
    """
    Hooks of every kind; a server that interrupts stops its agent gracefully.
    """

    class Server:
        async def start(self):
            log.info("Served")

    class Agent(MicroAgent):
        @on("pre_start")
        async def handler_1(self):
            log.info("Called handler 1")

        @on("post_start")
        async def handler_2(self):
            log.info("Called handler 2")

        @on("pre_stop")
        async def handler_3(self):
            log.info("Called handler 3")

        @on("server")
        async def run_server(self):
            await Server().start()  # run forever
            raise ServerInterrupt("Exit")  # graceful exit

    with pytest.raises(ServerInterrupt, match="Exit"):
        await Agent().start()

    assert log.told == ["Called handler 1", "Called handler 2", "Served", "Called handler 3"]


async def test_mocks() -> None:
    """
    Mocks of bus and broker remember what was asked of them.
    """

    class Agent(MicroAgent):
        pass

    agent = Agent(bus=BusMock(), broker=BrokerMock())
    await agent.bus.user_created.send("test", user_id=1)
    await agent.bus.user_created.call("test", user_id=1)
    await agent.broker.mailing.send({})
    await agent.broker.mailing.length()

    agent.bus.user_created.send.assert_called()
    agent.bus.user_created.call.assert_called()
    agent.broker.mailing.send.assert_called()
    agent.broker.mailing.length.assert_called()


def test_mistakes_of_the_manual_are_found(tmp_path: Path) -> None:
    """
    A cron spec given to ``periodic``, and commas at the end of JSON lists, are refused with a sentence.
    """
    with pytest.raises(ScheduleError, match="a period is a finite number of seconds above 0"):

        class Agent(MicroAgent):
            @periodic("0 */4 * * *")
            async def handler_1(self): ...

    (tmp_path / "queues.json").write_text(
        '{\n  "queues": [\n    {"name": "mailer"},\n    {"name": "pusher"},\n  ]\n}\n'
    )
    with pytest.raises(DeclarationError, match=r"queues.json:[45]:\d+"):
        load_queues(f"file://{tmp_path}/queues.json")
