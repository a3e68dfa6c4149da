"""Which agents of which settings modules run."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from microagent import ConfigurationError, MicroAgent, Queue, consumer
from microagent.running.group import in_memory, load_group

Write = Callable[..., str]
QUEUE = Queue("queue_of_a_group")


class Plain(MicroAgent):
    """An agent without handlers."""


class Consuming(MicroAgent):
    """One that needs a broker."""

    @consumer(QUEUE)
    async def take(self, **message: object) -> None: ...


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a settings module with agents of these names and classes, and gives its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write_module(servers: str = "BUS = BROKER = {}", /, **agents: str) -> str:
        name = f"settings_{uuid4().hex}"
        entries = {agent: {"backend": f"{__name__}.{kind}"} for agent, kind in agents.items()}
        (tmp_path / f"{name}.py").write_text(f"{servers}\nAGENT = {entries}")
        return name

    return write_module


def test_modules_make_one_group(write: Write) -> None:
    """
    The agents of all modules, in their order.
    """
    assert list(load_group([write(a="Plain", b="Plain"), write(c="Plain")])) == ["a", "b", "c"]


def test_only_some_are_wanted(write: Write) -> None:
    """
    Who names agents gets these, whatever is wrong with the others.
    """
    module = write(a="Plain", b="Missing", c="Plain")

    assert list(load_group([module], ["c", "a"])) == ["a", "c"]


def test_memory_of_one_process_is_told_from_that_of_another(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Several agents on memory:// hear nothing of each other, which their group is told; a single one needs nobody.
    """
    monkeypatch.setenv("MICROAGENT_BROKER", "memory://")
    module = write("", anna="Plain", berta="Plain")

    assert in_memory(load_group([module])) == "the broker of 'anna', the broker of 'berta'"
    assert in_memory(load_group([module], ["anna"])) == ""


def test_every_problem_is_told_at_once(write: Write) -> None:
    """
    A line for each module, name and agent that is wrong.
    """
    module = write(anna="Plian", berta="Plain")

    with pytest.raises(ConfigurationError) as refusal:
        load_group([module, "nowhere", write(berta="Plain")], ["anna", "bertha"])

    lines = str(refusal.value).split("\n")
    assert lines[0] == "nowhere: there is no module 'nowhere'"
    assert lines[1].startswith(f"two agents are called 'berta', in {module} and settings_")
    assert lines[2] == "there is no agent 'bertha', did you mean 'berta'?"
    assert lines[3] == f"{module}: AGENT['anna']: module '{__name__}' has no 'Plian', did you mean 'Plain'?"


def test_misspelt_key_is_told_with_what_it_causes(write: Write, tmp_path: Path) -> None:
    """
    An agent that has no broker because its entry says ``brokr`` is told both.
    """
    module = write("BROKER = {'main': {'dsn': 'memory://'}}", a="Consuming")
    settings = tmp_path / f"{module}.py"
    settings.write_text(settings.read_text().replace("{'backend'", "{'brokr': 'main', 'backend'"))

    with pytest.raises(ConfigurationError, match="needs a 'broker'") as refusal:
        load_group([module])

    assert "'brokr' is not a key of marun, so it is a setting, did you mean 'broker'?" in str(refusal.value)
