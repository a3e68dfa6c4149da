"""
No password of a DSN is to be read anywhere, whatever goes wrong, at every level of every log.

These tests bring about what could show one and print all that can be printed of it; ``secrecy`` fails those that do.
"""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from marun_group import marun, until, write
from secrecy import MARK, PASSWORD, WRITTEN
from servers import free_port
from support import unique
from support import until as until_true

from microagent import (
    AuthError,
    BackendConnectionError,
    BackendError,
    ConfigurationError,
    LoadingError,
    MicroAgent,
    MicroAgentError,
    Queue,
    consumer,
    load_stuff,
)
from microagent.backends import make_broker, make_bus
from microagent.faces import TypedBroker

CHATTY = ("aiokafka", "aiormq", "redis", "asyncio", "microagent")

# Where {place} is a host and a port; every form that holds a password.
DSNS = {
    "redis": f"redis://user:{WRITTEN}@{{place}}/0",
    "redis in the query": f"redis://{{place}}/0?password={WRITTEN}",
    "rediss": f"rediss://:{WRITTEN}@{{place}}/0",
    "sentinel": f"redis+sentinel://user:{WRITTEN}@{{place}},{{place}}/mymaster/0?password={WRITTEN}",
    "cluster": f"redis+cluster://user:{WRITTEN}@{{place}},{{place}}",
    "amqp": f"amqp://user:{WRITTEN}@{{place}}/shop",
    "amqps": f"amqps://user:{WRITTEN}@{{place}}/shop",
    "kafka": f"kafka://user:{WRITTEN}@{{place}},{{place}}",
    "kafka scram": f"kafka://user:{WRITTEN}@{{place}}?sasl_mechanism=SCRAM-SHA-256",
    "kafka tls": f"kafka://user:{WRITTEN}@{{place}}?security_protocol=SASL_SSL",
}
BROKEN = [
    f"redis://user:{PASSWORD}@localhost/0",
    f"redis://user:{MARK}#1@localhost/0",
    f"redis://user:{MARK}?1@localhost/0",
    f"redis://us/er:{MARK}@localhost/0",
    f"redis://user:{WRITTEN}@localhost:port/0",
    f"redis://user:{WRITTEN}@localhost/nine",
    f"redis://user:{WRITTEN}@localhost/0?socket_timeout=soon",
    f"redis://user:{WRITTEN}@localhost/0?nonsense=1&password={WRITTEN}",
    f"redis://localhost/0?socket_timeout=soon&password={WRITTEN}",
    f"redis+sentinel://user:{WRITTEN}@localhost/",
    f"redsi://user:{WRITTEN}@localhost/0",
    f"amqp://user:{PASSWORD}@localhost/",
    f"amqp://user:{WRITTEN}@localhost:99999/",
    f"amqp://user:{WRITTEN}@/",
    f"kafka://user:{PASSWORD}@localhost",
    f"kafka://user:{WRITTEN}@localhost?sasl_mechanism=none",
    f"kafka://user:{WRITTEN}@localhost?pasword={WRITTEN}",
    f"kafka://:{WRITTEN}@",
    f"user:{WRITTEN}@localhost",
]


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every logger at DEBUG, those of the drivers too; the loop says what it can."""
    levels = {name: logging.getLogger(name).level for name in CHATTY}
    with caplog.at_level(logging.DEBUG):
        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.DEBUG)
        yield
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def show(error: BaseException) -> None:
    """All that is to be read of an error, of its causes and of what they happened in."""
    print("".join(traceback.format_exception(error)))
    seen: BaseException | None = error
    while seen is not None:
        print(repr(seen), str(seen), seen.args)
        seen = seen.__cause__ or seen.__context__


def show_end(end: Any) -> None:
    """All that is to be read of a bus or a broker."""
    agent = MicroAgent(broker=end) if hasattr(end, "queue_length") else MicroAgent(bus=end)
    queue = Queue(unique("queue"))
    faces = (TypedBroker(end), TypedBroker(end)[queue.name]) if hasattr(end, "queue_length") else ()
    print(repr(end), str(end), end._info(), agent, agent.info(), *faces)


@pytest.fixture
async def answering() -> AsyncIterator[Callable[[bytes], Any]]:
    """Servers that say this to whatever they hear."""
    servers: list[asyncio.Server] = []

    async def serve(said: bytes) -> str:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(65536):
                writer.write(said)
            writer.close()

        servers.append(await asyncio.start_server(answer, "127.0.0.1"))
        return f"127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}"

    yield serve
    for server in servers:
        server.close()


async def fail(dsn: str, wanted: type[BaseException] = MicroAgentError, send_timeout: float = 10) -> None:
    """Send a message to where there is no way to send one, and a signal where there may be one."""
    ends: list[Any] = [make_broker({"dsn": dsn, "send_timeout": send_timeout})]
    if dsn.startswith("redis"):
        ends.append(make_bus({"dsn": dsn, "send_timeout": send_timeout}))
    for end in ends:
        show_end(end)
        with pytest.raises(wanted) as failure:
            await end.send("queue" if end is ends[0] else "PUBSUB:signal:test", "{}")
        show(failure.value)
        show_end(end)
        await end.close()


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("name", DSNS)
async def test_refused_connection(name: str):
    """Nobody listens."""
    await fail(DSNS[name].format(place=f"127.0.0.1:{free_port()}"), BackendConnectionError, 0.1)


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("name", DSNS)
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["silence", "nonsense"])
async def test_server_of_another_kind(name: str, said: bytes, answering: Callable[[bytes], Any]):
    """It says nothing, or nothing that makes sense; nor does it speak TLS."""
    await fail(DSNS[name].format(place=await answering(said)), send_timeout=0.3)


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("dsn", BROKEN, ids=range(len(BROKEN)))
def test_dsn_that_cannot_be_read(dsn: str, tmp_path: Path):
    """Half a password is none to be shown either."""
    for make in (make_broker, make_bus):
        with pytest.raises(ConfigurationError) as refusal:
            make({"dsn": dsn})
        show(refusal.value)


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("user", ["default", "nobody"])
async def test_redis_refuses_a_password(redis_url: str, user: str):
    """A wrong password, or a user that there is not."""
    place = redis_url.rpartition("@")[2].partition("/")[0]
    await fail(f"redis://{user}:{WRITTEN}wrong@{place}/0", AuthError)
    await fail(f"redis://{place}/0?password={WRITTEN}wrong", AuthError)


@pytest.mark.usefixtures("everything")
async def test_redis_has_no_such_database(redis_url: str):
    """The password is right, and all else is not."""
    server = redis_url.rpartition("/")[0]
    await fail(f"{server}/99", BackendError)
    await fail(f"{server.replace('redis', 'redis+sentinel', 1)}/mymaster/0", send_timeout=0.3)
    await fail(server.replace("redis", "redis+cluster", 1), send_timeout=0.3)


@pytest.mark.usefixtures("everything")
async def test_rabbitmq_refuses(rabbitmq_url: str):
    """A wrong password, a virtual host that there is not."""
    await fail(rabbitmq_url.replace("@", "wrong@"), AuthError)
    await fail(f"{rabbitmq_url}nowhere", AuthError)


@pytest.mark.usefixtures("everything", "real_kafka")
async def test_kafka_refuses(kafka_url: str):
    """A wrong password, a mechanism that it does not know, a client without a password."""
    await fail(kafka_url.replace("@", "wrong@"), AuthError)
    await fail(f"{kafka_url}?sasl_mechanism=SCRAM-SHA-512", AuthError)
    await fail(f"{kafka_url}?security_protocol=PLAINTEXT", BackendConnectionError, 0.3)


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("server", ["redis_url", "rabbitmq_url", "kafka_url"])
async def test_all_goes_well(server: str, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture):
    """Messages pass, and the drivers tell of each step at DEBUG."""
    queue = Queue(unique("queue"))
    got: list[int] = []

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self, number: int) -> None:
            got.append(number)
            show_end(self.broker)
            if number == 1:
                raise RuntimeError("a handler that fails")

    agent = Taker(broker=make_broker({"dsn": request.getfixturevalue(server)}))
    await agent.start()
    for number in range(3):
        await agent.broker[queue.name].send({"number": number})
    await until_true(lambda: {0, 1, 2} <= set(got))
    print(agent, agent.info(), await agent.broker.queue_length(queue.name))
    await agent.stop()
    assert "a handler that fails" in caplog.text


@pytest.mark.usefixtures("everything")
def test_source_of_declarations():
    """The URL of a source may hold a password too."""
    with pytest.raises(LoadingError) as refusal:
        load_stuff(f"http://user:{WRITTEN}@127.0.0.1:{free_port()}/signals.json?token={WRITTEN}")
    show(refusal.value)


AGENTS = """
    from microagent import MicroAgent, Queue, on, consumer

    class Reader(MicroAgent):
        @on("pre_start")
        def say(self):
            print(self, self.info(), flush=True)

        @consumer(Queue("secrets_of_marun"))
        async def read(self, **message):
            pass
"""
SETTINGS = """
    BUS = {{"main": {{"dsn": "redis://user:{password}@{place}/0"}}}}
    BROKER = {{
        "redis": {{"dsn": "redis+sentinel://user:{password}@{place}/m?password={password}"}},
        "amqp": {{"dsn": "amqp://user:{password}@{place}/"}},
        "kafka": {{"dsn": "kafka://user:{password}@{place}"}},
    }}
    AGENT = {{
        name: {{"backend": "agents.Reader", "bus": "main", "broker": name, "password": "{password}"}} for name in BROKER
    }}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Agents whose servers do not answer."""
    write(tmp_path, agents=AGENTS, settings=SETTINGS.format(password=WRITTEN, place=f"127.0.0.1:{free_port()}"))
    return tmp_path


def processes(group: int) -> list[int]:
    """All processes of a session, helpers of multiprocessing too."""
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _session(pid) == group]


def _session(pid: str) -> int:
    try:
        return os.getsid(int(pid))
    except ProcessLookupError:
        return -1


def titles(pid: int) -> str:
    """What ``ps`` shows of a process."""
    try:
        return "".join(Path(f"/proc/{pid}/{name}").read_text() for name in ("cmdline", "comm"))
    except (FileNotFoundError, ProcessLookupError):
        return ""


@pytest.mark.parametrize("options", ["fork --json-logs", "spawn", "forkserver --json-logs"])
def test_marun(project: Path, options: str):
    """Not in its output at DEBUG, and not in what is to be seen of its processes."""
    with marun(project, "settings", "--log-level", "debug", "--start-method", *options.split()) as group:
        until(lambda: group.output.count("no connection") >= 3, "three agents without a server")
        shown = [titles(pid) for pid in processes(group.process.pid)]
        group.process.terminate()
        assert group.ends() == 0
    assert sum("python" in title for title in shown) >= 4
    print(*shown, group.output)


@pytest.mark.parametrize(
    "dsn",
    [f"redsi://user:{WRITTEN}@h", f"redis://user:{PASSWORD}@h", f"redis://u:{WRITTEN}@h"],
    ids=["scheme", "escaping", "fine"],
)
def test_check(project: Path, dsn: str):
    """``--check`` shows what there is and what is wrong, without it."""
    with marun(project, "settings", "--check", MICROAGENT_BUS=dsn) as group:
        group.ends()
    assert "redis" in group.output
    assert "***" in group.output
    print(group.output)


def test_document_of_a_group(project: Path):
    """What is published says where the servers are, and not how to get in."""
    with marun(project, "settings", "--asyncapi", "group.json") as group:
        assert group.ends() == 0
    print(group.output, (project / "group.json").read_text())


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and does not log what it is asked."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is that of the base
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """``127.0.0.1:port`` of a server that has ``signals.json``."""
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "signals.json").write_text(f'{{"signals": [{{"name": "{unique("signal")}", "providing_args": []}}]}}')
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_what_is_generated_from_an_url(web: str, tmp_path: Path):
    """It names its source, in code, in a lock file and in documents, without the password that it was read with."""
    command = [Path(sys.executable).with_name("microagent-gen")]
    source = f"http://user:{WRITTEN}@{web}/signals.json?token={WRITTEN}"
    wanted = ("-o", "contracts", "--lock", "contracts.lock", "--asyncapi", "group.json")
    told = subprocess.run([*command, source, *wanted], cwd=tmp_path, capture_output=True, text=True, check=False)
    written = {str(path): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    print(told.stdout, told.stderr, written)
    assert told.returncode == 0
    assert web in written[f"{tmp_path}/contracts.lock"]


def test_agent_that_fails(project: Path):
    """The traceback of an agent that cannot start is that of its own code."""
    write(project, agents=AGENTS.replace("print(", "raise RuntimeError("))
    with marun(project, "settings", "--log-level", "debug") as group:
        assert group.ends() == 1
    assert "Traceback" in group.output
    print(group.output)
