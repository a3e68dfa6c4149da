"""Settings modules."""

import pickle
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from microagent import ConfigurationError, MicroAgent
from microagent.running.settings import AgentConfiguration, init_agent, load_configuration
from microagent.tools.local import LocalBroker, LocalSignalBus
from microagent.tools.memory import MemoryBroker, MemorySignalBus

Write = Callable[[str], str]

PLAIN = f"{__name__}.Plain"


class Plain(MicroAgent):
    """An agent without handlers."""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a settings module, and gives its name."""
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("MICROAGENT_BUS", "MICROAGENT_BROKER"):
        monkeypatch.delenv(name, raising=False)

    def write_module(text: str) -> str:
        name = f"settings_{uuid4().hex}"
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return write_module


def configuration(config_path: str) -> AgentConfiguration:
    """The configuration of the agent ``a``."""
    _, found = dict(load_configuration(config_path))["a"]
    return found


def test_names_are_unfolded(write: Write) -> None:
    """
    An agent's bus and broker are named; its configuration has their entries, and every other key of its own.
    """
    module = write(
        f"""
BUS = {{"main": {{"dsn": "redis://localhost/7", "prefix": "PREF"}}, "other": {{"dsn": "memory://"}}}}
BROKER = {{"main": {{"backend": "mine.Broker", "dsn": "mine://"}}}}
AGENT = {{
    "a": {{"backend": "{PLAIN}", "bus": "main", "broker": "main", "secret": "hush"}},
    "b": {{"backend": "{PLAIN}", "bus": "other"}},
}}
"""
    )

    assert dict(load_configuration(module)) == {
        "a": (
            PLAIN,
            {
                "bus": {"dsn": "redis://localhost/7", "prefix": "PREF"},
                "broker": {"backend": "mine.Broker", "dsn": "mine://"},
                "secret": "hush",
            },
        ),
        "b": (PLAIN, {"bus": {"dsn": "memory://"}}),
    }


def test_local_is_the_default(write: Write) -> None:
    """
    Without BUS and BROKER dictionaries, every agent has ``local://``.
    """
    agent = init_agent(PLAIN, configuration(write(f"AGENT = {{'a': {{'backend': '{PLAIN}'}}}}")))

    assert isinstance(agent.bus, LocalSignalBus)
    assert isinstance(agent.broker, LocalBroker)
    assert agent.bus.dsn == agent.broker.dsn == "local://"


def test_dictionary_that_an_agent_does_not_name(write: Write) -> None:
    """
    Where there is a BUS dictionary, an agent that names none of it has no bus; its broker is not touched by that.
    """
    text = f"BUS = {{'main': {{'dsn': 'memory://'}}}}\nAGENT = {{'a': {{'backend': '{PLAIN}'}}}}"

    agent = init_agent(PLAIN, configuration(write(text)))

    assert agent.bus is None
    assert isinstance(agent.broker, LocalBroker)


def test_agent_may_ask_for_none(write: Write) -> None:
    """
    An agent whose entry says None has no bus, also where ``local://`` is the default.
    """
    agent = init_agent(PLAIN, configuration(write(f"AGENT = {{'a': {{'backend': '{PLAIN}', 'bus': None}}}}")))

    assert agent.bus is None
    assert isinstance(agent.broker, LocalBroker)


def test_environment_overrides(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    MICROAGENT_BUS and MICROAGENT_BROKER replace DSN and backend, and leave the other options; they give no bus to an
    agent that has none.
    """
    module = write(
        f"""
BUS = {{"main": {{"backend": "nowhere.Bus", "dsn": "redis://localhost/7", "prefix": "PREF"}}}}
AGENT = {{"a": {{"backend": "{PLAIN}", "bus": "main"}}, "b": {{"backend": "{PLAIN}"}}}}
"""
    )
    monkeypatch.setenv("MICROAGENT_BUS", "memory://bus")
    monkeypatch.setenv("MICROAGENT_BROKER", "memory://broker")

    found = {name: cfg for name, (_, cfg) in load_configuration(module)}

    assert found["a"] == {"bus": {"dsn": "memory://bus", "prefix": "PREF"}, "broker": {"dsn": "memory://broker"}}
    assert "bus" not in found["b"]


def test_environment_that_is_wrong_is_blamed_itself(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A DSN that the environment gives wrongly is one mistake of one variable, however many agents would use it.
    """
    module = write(f"AGENT = {{'a': {{'backend': '{PLAIN}'}}, 'b': {{'backend': '{PLAIN}'}}}}")
    monkeypatch.setenv("MICROAGENT_BUS", "reddis://x")

    with pytest.raises(ConfigurationError, match=r"^MICROAGENT_BUS: no signal bus for 'reddis://x'") as refusal:
        list(load_configuration(module))

    assert "\n" not in str(refusal.value)


def test_configuration_travels_by_name(write: Write) -> None:
    """
    Pickled for another process, a configuration is the name of its module and agent, so it may hold anything.
    """
    found = configuration(write(f"AGENT = {{'a': {{'backend': '{PLAIN}', 'function': lambda: 42}}}}"))

    copy = pickle.loads(pickle.dumps(found))

    assert copy == found
    assert copy["function"]() == 42
    assert found.config_path.encode() in pickle.dumps(found)


def test_configuration_shows_no_password(write: Write) -> None:
    """
    The repr of a configuration names its place, not its DSNs.
    """
    module = write(f"AGENT = {{'a': {{'backend': '{PLAIN}', 'password': 'hush'}}}}")

    assert repr(configuration(module)) == f"<AGENT['a'] of {module}>"


def test_agent_is_made_of_its_configuration() -> None:
    """
    An agent gets its bus, its broker, and in ``settings`` what is in ``settings`` or under other keys of its entry.
    """
    agent = init_agent(
        PLAIN,
        {
            "bus": {"dsn": "memory://", "prefix": "PREF"},
            "broker": {"dsn": "memory://"},
            "settings": {"secret": "hush"},
            "colour": "red",
        },
    )

    assert isinstance(agent, Plain)
    assert isinstance(agent.bus, MemorySignalBus)
    assert isinstance(agent.broker, MemoryBroker)
    assert agent.bus.prefix == "PREF"
    assert agent.settings == {"secret": "hush", "colour": "red"}


AGENT = "AGENT = {'regular': {'backend': 'package.module.Class'}}"
BUS = "BUS = {'regular': {'backend': 'package.module.Class', 'dsn': 'local://'}}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("BUS = {}", "no agents are configured, AGENT is missing"),
        ("AGENT = {}", "no agents are configured, AGENT is empty"),
        ("AGENT = 1", f"AGENT has to be a dictionary, such as {AGENT}"),
        ("AGENT = {'a': {'backend': 'a.A'}}\nBUS = []", f"BUS has to be a dictionary, such as {BUS}"),
        ("AGENT = {1: {}}", f"AGENT[1] has to be a dictionary under a string key, such as {AGENT}"),
        (
            "AGENT = {'a': {'backend': 'a.A'}}\nBUS = {'dsn': 'local://'}",
            f"BUS['dsn'] has to be a dictionary under a string key, such as {BUS}",
        ),
        ("AGENTS = {'a': {'backend': 'a.A'}}", "there is 'AGENTS', did you mean 'AGENT'?"),
        ("BUSS = {}\nAGENT = {'a': {'backend': 'a.A'}}", "there is 'BUSS', did you mean 'BUS'?"),
        ("BUS = {}\nbroker = {}\nAGENT = {'a': {'backend': 'a.A'}}", "there is 'broker', did you mean 'BROKER'?"),
        ("AGENT = {'a': {'backend': 1}}", "AGENT['a'] needs a 'backend', the import path of the agent class"),
        (
            "AGENT = {'a': {'bakend': 'a.A'}}",
            "AGENT['a'] needs a 'backend', the import path of the agent class; "
            "there is 'bakend', did you mean 'backend'?",
        ),
        ("AGENT = {'a': {'backend': 'a.A', 'bus': 1}}", "AGENT['a']['bus'] has to be a name in BUS, not 1"),
        ("AGENT = {'a': {'backend': 'a.A', 'bus': 'main'}}", "AGENT['a']['bus']: BUS has no 'main'"),
        (
            "BROKER = {'main': {'dsn': 1}}\nAGENT = {'a': {'backend': 'a.A', 'broker': 'main'}}",
            "AGENT['a']['broker']: 'dsn' of BROKER['main'] has to be a string",
        ),
    ],
)
def test_wrong_settings(write: Write, text: str, sentence: str) -> None:
    """
    What is wrong with a settings module is one sentence that begins with its name.
    """
    module = write(text)

    with pytest.raises(ConfigurationError) as refusal:
        list(load_configuration(module))

    assert str(refusal.value) == f"{module}: {sentence}"


def test_agents_that_are_right_come_before_what_is_wrong_with_the_others(write: Write) -> None:
    """
    So everything can be told at once, what is wrong with the classes of the first ones too.
    """
    module = write(
        f"""
AGENT = {{"a": {{"bus": "main"}}, "b": {{"backend": "{PLAIN}"}}, "c": {{"backend": "{PLAIN}", "broker": "main"}}}}
"""
    )
    found: list[str] = []

    with pytest.raises(ConfigurationError) as refusal:
        found += (name for name, _ in load_configuration(module))

    assert found == ["b"]
    assert str(refusal.value).split("\n") == [
        f"{module}: AGENT['a'] needs a 'backend', the import path of the agent class",
        f"{module}: AGENT['c']['broker']: BROKER has no 'main'",
    ]


def test_key_that_looks_misspelt_is_doubted(write: Write) -> None:
    """
    It is a setting of the agent, as every key that is none of marun's; but its like is guessed at. Others are not.
    """
    module = write(
        f"""
BUS = {{"main": {{"dsn": "memory://"}}}}
AGENT = {{"a": {{"backend": "{PLAIN}", "Bus": "main", "brokers": None, "business": 1, "status": 2, "port": 3}}}}
"""
    )

    found = configuration(module)

    assert list(found.warnings) == [
        f"{module}: AGENT['a']: 'Bus' is not a key of marun, so it is a setting, did you mean 'bus'?",
        f"{module}: AGENT['a']: 'brokers' is not a key of marun, so it is a setting, did you mean 'broker'?",
    ]
    assert found["Bus"] == "main"


@pytest.mark.parametrize("path", ["myproject/settings.py", "./myproject/settings.py", "myproject/settings"])
def test_settings_are_a_module_and_no_file(path: str) -> None:
    """
    Who names a file is told the name of the module.
    """
    with pytest.raises(ConfigurationError, match=r"settings are given as a module name, such as myproject\.settings$"):
        list(load_configuration(path))
