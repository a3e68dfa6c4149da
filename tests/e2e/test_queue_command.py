"""``microagent-queues``, as whoever is on call runs it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner
from support import unique, until

from microagent import AbstractQueueBroker, Delivery, MicroAgent, Queue, consumer, queuecli
from microagent.backends import make_broker
from microagent.queuecli import main
from microagent.running.groupqueues import GroupQueue
from microagent.tools.memory import MemoryBroker

COMMAND = str(Path(sys.executable).with_name("microagent-queues"))
REASON = "no such address: \x1b[2Jnowhere"
AGENTS = """
    from microagent import MicroAgent, Queue, consumer

    class Mailer(MicroAgent):
        @consumer(Queue({name!r}))
        async def deliver(self, **message):
            ...

    class Clerk(MicroAgent):
        async def work(self):
            await self.broker.{name}.send({{}})
"""
SETTINGS = """
    AGENT = {{"mailer": {{"backend": "agents_{name}.Mailer", "broker": "main"}},
             "clerk": {{"backend": "agents_{name}.Clerk", "broker": "main"}}}}
    BROKER = {{"main": {{"dsn": {dsn!r}, "send_timeout": 10.0}}}}
"""


class Desk:
    """A folder with the settings of a project, and its queue."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.folder, self.dsn, self.name = folder, dsn, unique("queue")
        self.queue, self.settings = Queue(self.name), f"settings_{self.name}"
        (folder / f"{self.settings}.py").write_text(dedent(SETTINGS).format(dsn=dsn, name=self.name))
        (folder / f"agents_{self.name}.py").write_text(dedent(AGENTS).format(name=self.name))

    def run(self, *arguments: str, status: int = 0, answer: str = "", **environment: str) -> str:
        """Its output and errors; it ends with this status."""
        done = CliRunner(env=environment).invoke(main, arguments, input=answer)
        assert isinstance(done.exception, SystemExit | None), done.exception
        assert done.exit_code == status, done.output
        return done.output

    def listed(self, *arguments: str, status: int = 0, **environment: str) -> str:
        """What it lists, in a process of its own: the queues of other tests are no concern of that."""
        done = subprocess.run(
            [COMMAND, *(arguments or [self.settings])],
            cwd=self.folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == status, output
        assert "Traceback" not in output
        return output

    def counts(self) -> tuple[int, int]:
        """How many messages wait, and how many are dead."""
        (row,) = map(json.loads, self.listed(self.settings, "--json").splitlines())
        assert row["queue"] == self.name
        return row["waiting"], row["dead"]

    def letters(self, *options: str) -> list[dict[str, Any]]:
        output = self.run(self.settings, "dead", self.name, "--json", *options)
        return [json.loads(line) for line in output.splitlines()]

    def bury(self, *numbers: int) -> None:
        """Have these messages given up, one after the other."""
        asyncio.run(self._bury(numbers))

    async def _bury(self, numbers: tuple[int, ...]) -> None:
        class Burying(MicroAgent):
            @consumer(self.queue, autoack=False, concurrency=1)
            async def bury(self, delivery: Delivery, **message: Any) -> None:
                delivery.bury(REASON)

        async with make_broker({"dsn": self.dsn}) as broker:
            agent = Burying(broker=broker)
            await agent.start()
            for number in numbers:
                before = len(await broker.dead(self.name))
                await broker[self.name].send({"number": number})
                await until(lambda before=before: self._is_longer(broker, before))
            await agent.stop()

    async def _is_longer(self, broker: AbstractQueueBroker, before: int) -> bool:
        return len(await broker.dead(self.name)) > before


@pytest.fixture(params=["local", "redis_url", "rabbitmq_url", "kafka_url"])
def desk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return Desk(tmp_path, "local://queues" if request.param == "local" else request.getfixturevalue(request.param))


@pytest.fixture
def local_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return Desk(tmp_path, "local://queues")


def test_dead_letters_are_looked_at_and_cleared(desk: Desk):
    """
    On every server: each has its counts, reason and id; one is sent again, one is discarded, and then all others.
    """
    desk.bury(1, 2, 3, 4)
    letters = desk.letters("--bodies")
    assert [json.loads(letter["body"])["number"] for letter in letters] == [1, 2, 3, 4]
    assert {(letter["attempts"], letter["reason"]) for letter in letters} == {(1, "no such address: \\x1b[2Jnowhere")}
    ids = [letter["id"] for letter in letters]
    assert "1 dead letter resent" in desk.run(desk.settings, "resend", desk.name, ids[1])
    assert "1 dead letter discarded" in desk.run(desk.settings, "discard", desk.name, ids[0], "--yes")
    assert [letter["id"] for letter in desk.letters()] == ids[2:]
    assert desk.counts() == (1, 2)
    assert "2 dead letters resent" in desk.run(desk.settings, "resend", desk.name, "--all", "--yes")
    assert "0 dead letters discarded" in desk.run(desk.settings, "discard", desk.name, "--all")


def test_queue_that_nobody_has_used(desk: Desk):
    """It is empty, on every server that is there."""
    (desk.folder / "queues").mkdir(mode=0o700)
    assert desk.counts() == (0, 0)
    assert desk.letters() == []


def test_list_is_a_table(local_desk: Desk):
    """A row for each queue; a password never shows."""
    local_desk.bury(1)
    head, row = local_desk.listed().splitlines()
    assert head.split() == ["queue", "waiting", "dead", "broker"]
    assert row.split() == [local_desk.name, "0", "1", "LocalBroker('local://queues')"]


def test_bodies_are_shown_to_whoever_asks_for_them(local_desk: Desk):
    """And to nobody else; a line holds nothing that a terminal obeys."""
    local_desk.bury(4711, 2, 3)
    assert "4711" not in (output := local_desk.run(local_desk.settings, "dead", local_desk.name))
    assert "no such address: \\x1b[2Jnowhere" in output
    assert "3 dead letters" in output
    assert '{"number":4711}' in local_desk.run(local_desk.settings, "dead", local_desk.name, "--bodies")
    assert all("body" not in letter for letter in local_desk.letters())
    assert "the oldest 2 of more" in local_desk.run(local_desk.settings, "dead", local_desk.name, "--limit", "2")


def test_what_cannot_be_undone_is_asked_for(local_desk: Desk):
    """Whoever does not say yes has done nothing; letters that are named are sent again without a question."""
    local_desk.bury(1, 2)
    first, _ = (letter["id"] for letter in local_desk.letters())
    for command in (["discard", local_desk.name, first], ["discard", local_desk.name, "--all"]):
        for answer in ("n\n", ""):
            assert "Discard" in local_desk.run(local_desk.settings, *command, answer=answer, status=1)
    assert "Resend 2 dead letters" in local_desk.run(local_desk.settings, "resend", local_desk.name, "--all", status=1)
    assert local_desk.counts() == (0, 2)
    assert "2 dead letters discarded" in local_desk.run(
        local_desk.settings, "discard", local_desk.name, "--all", answer="y\n"
    )


def test_id_that_is_not_there(local_desk: Desk):
    """Is told, and nothing is done with those that are."""
    local_desk.bury(1)
    (letter,) = local_desk.letters()
    output = local_desk.run(local_desk.settings, "resend", local_desk.name, letter["id"], "99", status=1)
    assert "has no dead letter 99; nothing was done" in output
    assert local_desk.counts() == (0, 1)


def test_more_dead_letters_than_are_read_at_once(local_desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """Each is found by its id, the question does not name a wrong number, and all of them go."""
    monkeypatch.setattr(queuecli, "PAGE", 2)
    local_desk.bury(1, 2, 3, 4, 5, 6)
    last = local_desk.letters()[-1]["id"]
    assert "1 dead letter resent" in local_desk.run(local_desk.settings, "resend", local_desk.name, last)
    output = local_desk.run(local_desk.settings, "discard", local_desk.name, "--all", answer="y\n")
    assert "Discard more than 2 dead letters" in output
    assert "5 dead letters discarded" in output
    assert local_desk.counts() == (1, 0)
    row = queuecli._Row(GroupQueue(local_desk.name, MemoryBroker()), waiting=5, dead=3)
    assert row.cells[1:3] == ("5", "2+")
    assert json.loads(row.as_json)["dead_is_at_least"] is True


MISTAKES: list[tuple[Callable[[str], list[str]], str]] = [
    (lambda name: ["dead", name], "the settings come first"),
    (lambda name: ["shopp"], "there is no module 'shopp'"),
    (lambda name: [f"settings_{name}", "dead", f"{name}s"], "there is no queue"),
    (lambda name: [f"settings_{name}", "resend", name], "their IDs, or --all"),
    (lambda name: [f"settings_{name}", "discard", name, "1", "--all"], "their IDs, or --all"),
    (lambda name: [f"settings_{name}", "--broker", "redis"], "no agent has a broker with 'redis' in its DSN"),
    (lambda name: [f"settings_{name}", "--json", "dead", name], "--json comes after the command"),
]


@pytest.mark.parametrize(("arguments", "problem"), MISTAKES)
def test_mistake_is_one_sentence(local_desk: Desk, arguments: Callable[[str], list[str]], problem: str):
    """And the exit status is 2."""
    assert problem in local_desk.run(*arguments(local_desk.name), status=2)


@pytest.mark.parametrize(
    ("dsn", "problem"),
    [
        ("redis://user:Xyzzy@127.0.0.1:1/0", "no connection in time"),
        ("memory://", "in the memory of the agents' processes"),
        ("local://elsewhere", "there is no folder"),
    ],
)
def test_server_that_is_away(local_desk: Desk, dsn: str, problem: str):
    """It is told without its password, no folder is made, and the exit status is 1."""
    settings = local_desk.folder / f"{local_desk.settings}.py"
    settings.write_text(settings.read_text().replace("10.0", "0.1"))
    output = local_desk.listed(status=1, MICROAGENT_BROKER=dsn)
    assert problem in output
    assert "Xyzzy" not in output
    assert local_desk.name in output
    assert problem in local_desk.run(local_desk.settings, "dead", local_desk.name, status=1, MICROAGENT_BROKER=dsn)
    assert not (local_desk.folder / "elsewhere").exists()


def test_queue_on_several_brokers(local_desk: Desk):
    """Whoever means one says which; a server that is away hides no other."""
    local_desk.bury(1)
    name = local_desk.name
    several = f"several_{name}"
    (local_desk.folder / f"{several}.py").write_text(
        dedent(f"""
            AGENT = {{"mailer": {{"backend": "agents_{name}.Mailer", "broker": "main"}},
                     "clerk": {{"backend": "agents_{name}.Clerk", "broker": "other"}}}}
            BROKER = {{"main": {{"dsn": "local://queues"}}, "other": {{"dsn": "local://nowhere"}}}}
        """)
    )
    output = local_desk.listed(several, status=1)
    assert f"{name}        0     1  LocalBroker('local://queues')" in output
    assert "LocalBroker('local://nowhere'): there is no folder" in output
    output = local_desk.run(several, "dead", name, status=2)
    assert "is on several brokers, choose one with --broker: local://queues, local://nowhere" in output
    assert "1 dead letter" in local_desk.run(several, "--broker", "queues", "dead", name)
