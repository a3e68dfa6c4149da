"""The AsyncAPI document of a group of agents."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from official import faults
from support import unique

from microagent import MicroAgent, Queue, Signal, consumer, receiver
from microagent.asyncapi.writing import Api, document
from microagent.launcher import main
from microagent.running.apidocument import api_document, omissions
from microagent.running.blueprint import Blueprint
from microagent.tools.local import LocalBroker, LocalSignalBus
from microagent.tools.memory import MemoryBroker, MemorySignalBus
from microagent.tools.redis import RedisBroker, RedisSignalBus

HEARD = Signal(unique("heard"), ["x"])
ASKED = Signal(unique("asked"), [], returns="integer")
READ = Queue(unique("read"))
Signal("participants_told", [])
Signal("participants_asked", [], returns="integer")
Queue("participants_letter")


class Busy(MicroAgent):
    """Sends and receives everything that can be."""

    @receiver(HEARD, ASKED)
    async def hear(self, **kwargs: Any) -> int:
        await self.bus.participants_told.send("busy")
        await self.bus.participants_told.call("busy")
        await self.bus.participants_asked.call("busy")
        await self.broker.participants_letter.send({})
        return 1

    @receiver(HEARD)
    async def hear_again(self, **kwargs: Any) -> None: ...

    @consumer(READ)
    async def read(self, **kwargs: Any) -> None: ...


class Confused(MicroAgent):
    """Sends what nobody has declared."""

    @receiver(HEARD)
    async def hear(self, **kwargs: Any) -> None:
        await self.bus.participants_tolt.send("confused")


def api(**ends: tuple[type[MicroAgent], Any, Any]) -> Api:
    return api_document("mine", {name: Blueprint(f"mine.{each[0].__name__}", *each) for name, each in ends.items()})


def written(**ends: tuple[type[MicroAgent], Any, Any]) -> dict[str, Any]:
    """The document, which is a valid one."""
    found = document(api(**ends))
    assert faults(found) == []
    return found


def test_every_agent_has_its_operations() -> None:
    """
    What its decorators receive, consume and answer, each with its methods; and what its source sends and calls.
    """
    found = written(busy=(Busy, MemorySignalBus(), MemoryBroker()))
    told = {
        key.removeprefix("busy."): (operation["action"], operation["x-microagent"].get("handlers"))
        for key, operation in found["operations"].items()
    }
    assert told == {
        f"receive.signals.{HEARD.name}": ("receive", ["Busy.hear", "Busy.hear_again"]),
        f"receive.signals.{ASKED.name}": ("receive", ["Busy.hear"]),
        f"answer.signals.{ASKED.name}": ("receive", ["Busy.hear"]),
        f"receive.queues.{READ.name}": ("receive", ["Busy.read"]),
        "send.signals.participants_told": ("send", None),
        "call.signals.participants_asked": ("send", None),
        "send.queues.participants_letter": ("send", None),
    }
    call = found["operations"]["busy.call.signals.participants_asked"]
    assert call["reply"]["channel"] == {"$ref": "#/channels/replies.participants_asked"}
    assert {operation["tags"][0]["name"] for operation in found["operations"].values()} == {"busy"}


def test_everything_that_is_declared_is_in_it() -> None:
    """Whether somebody uses it or not."""
    found = written(busy=(Busy, None, None))
    assert {f"signals.{name}" for name in Signal.get_all()} <= found["channels"].keys()
    assert {f"queues.{name}" for name in Queue.get_all()} <= found["channels"].keys()


def test_servers_are_told_without_passwords() -> None:
    """Where signals travel, where queues are, by their protocols; memory is nobody else's."""
    found = written(
        one=(Busy, RedisSignalBus("redis://u:s3cret@a.org:6380/3", prefix="SHOP"), LocalBroker("local:///var/x")),
        two=(Busy, RedisSignalBus("rediss://b.org", prefix="SHOP"), RedisBroker("redis://:s3cret@a.org:6380/3")),
        three=(Busy, LocalSignalBus("local://"), None),
        four=(Busy, MemorySignalBus(), MemoryBroker()),
    )
    assert found["servers"] == {
        "redis": {"host": "a.org:6380", "pathname": "/3", "protocol": "redis"},
        "redis_2": {"host": "b.org", "protocol": "redis"},
        "local": {"host": "localhost", "protocol": "local"},
    } | {"local_2": {"host": "localhost", "pathname": "/var/x", "protocol": "local"}}
    signals, queues = (found["channels"][key] for key in (f"signals.{HEARD.name}", f"queues.{READ.name}"))
    assert [each["$ref"] for each in signals["servers"]] == ["#/servers/redis", "#/servers/redis_2", "#/servers/local"]
    assert [each["$ref"] for each in queues["servers"]] == ["#/servers/redis", "#/servers/local_2"]
    assert found["components"]["parameters"]["prefix"]["enum"] == ["PUBSUB", "SHOP"]
    assert "s3cret" not in json.dumps(found)


def test_what_cannot_be_told_is_said() -> None:
    """What is sent and not declared, and a class whose source is not there."""
    assert list(omissions("busy", Blueprint("mine.Busy", Busy, None, None))) == []
    assert list(omissions("x", Blueprint("mine.Confused", Confused, None, None))) == [
        "x: a signal or queue that it sends to is left out: "
        "no signal 'participants_tolt' is declared, did you mean 'participants_told'?"
    ]
    made = type("Made", (MicroAgent,), {"__module__": "nowhere"})
    assert list(omissions("y", Blueprint("mine.Made", made, None, None))) == [
        "y: what it sends is left out, because its source cannot be read"
    ]


# -- the command


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A settings module of one agent, in the working directory."""
    name = unique("settings")
    (tmp_path / f"{name}.py").write_text(
        f"AGENT = {{'busy': {{'backend': '{__name__}.Busy', 'bus': 'm', 'broker': 'm'}}}}\n"
        "BUS = BROKER = {'m': {'dsn': 'memory://'}}\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_marun_writes_the_document(settings: str) -> None:
    """In one step, and runs nothing; again, over the one that it wrote, whose permissions it keeps."""
    for mode in (0o644, 0o600):
        result = CliRunner().invoke(main, [settings, "--asyncapi", "asyncapi.json"])
        counts = f"1 agent, {len(Signal.get_all())} signals, {len(Queue.get_all())} queues"
        assert (result.exit_code, result.stdout) == (0, f"asyncapi.json: {counts}\n")
        found = json.loads(Path("asyncapi.json").read_text("utf-8"))
        assert (found["info"]["title"], found["x-generated-by"]) == (settings, "marun")
        assert f"busy.receive.queues.{READ.name}" in found["operations"]
        assert Path("asyncapi.json").stat().st_mode & 0o777 == mode
        Path("asyncapi.json").chmod(0o600)
    assert {path.suffix for path in Path().iterdir() if path.is_file()} == {".py", ".json"}


def test_marun_prints_the_document(settings: str) -> None:
    """``-`` is the standard output; with --check, the trees are told as well."""
    result = CliRunner().invoke(main, [settings, "--asyncapi", "-"])
    assert json.loads(result.stdout)["asyncapi"] == "3.0.0"
    result = CliRunner().invoke(main, [settings, "--asyncapi", "asyncapi.json", "--check"])
    assert result.stdout.startswith(f"busy: {__name__}.Busy\n")
    assert result.stdout.splitlines()[-1].startswith("asyncapi.json: 1 agent, ")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("mine.json", "mine.json: cannot be written: it was not generated; move it away, or choose another file"),
        ("none/a.json", "none/a.json: cannot be written: No such file or directory"),
    ],
)
def test_a_place_that_is_none_is_told(place: str, said: str, settings: str) -> None:
    """In one sentence, with status 2; a file of somebody else stays."""
    Path("mine.json").write_text('{"asyncapi": "3.0.0"}')
    result = CliRunner().invoke(main, [settings, "--asyncapi", place])
    assert (result.exit_code, result.stderr) == (2, f"marun: {said}\n")
    assert Path("mine.json").read_text() == '{"asyncapi": "3.0.0"}'


def test_a_document_is_not_reloaded(settings: str) -> None:
    """A wrong command line."""
    result = CliRunner().invoke(main, [settings, "--asyncapi", "-", "--reload"])
    assert result.exit_code == 2
    assert "--asyncapi and --reload exclude each other" in result.stderr
