"""Reads settings modules: turns their AGENT, BUS and BROKER dictionaries into a configuration for each agent."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, TypeAlias, cast

from microagent.agent import MicroAgent
from microagent.backends import import_class, import_named, make_broker, make_bus
from microagent.dsn import broker_path, bus_path
from microagent.errors import ConfigurationError
from microagent.names import guess

EMBEDDED = "local://"
SECTIONS = frozenset({"AGENT", "BUS", "BROKER"})  # of a settings module
KEYS = frozenset({"backend", "bus", "broker", "settings"})  # of an entry in AGENT; others are settings
LIKENESS = 0.8  # from which on another key is taken for a misspelt one of these

Entry: TypeAlias = Mapping[str, Any]

_PATHS = {"BUS": bus_path, "BROKER": broker_path}
_MAKERS: dict[str, Callable[[Entry], Any]] = {"bus": make_bus, "broker": make_broker}


class AgentConfiguration(dict[str, Any]):
    """
    The entry of one agent, with the names of its ``bus`` and ``broker`` replaced by their entries.

    It is pickled as the names of settings module and agent: a spawned process imports the module again, so a settings
    module may hold values that cannot be pickled.

    :ivar config_path: import path of the settings module
    :ivar agent: name of the agent
    :ivar warnings: one sentence for each key that looks like a misspelt key of marun, and is taken for a setting
    """

    def __init__(self, entry: Entry, config_path: str, agent: str, warnings: Sequence[str] = ()) -> None:
        super().__init__(entry)
        self.warnings = warnings
        self.config_path = config_path
        self.agent = agent

    def __repr__(self) -> str:
        return f"<AGENT[{self.agent!r}] of {self.config_path}>"  # its DSNs may hold passwords

    def __reduce__(self) -> tuple[Callable[[str, str], "AgentConfiguration"], tuple[str, str]]:
        return _imported, (self.config_path, self.agent)


def _imported(config_path: str, agent: str) -> AgentConfiguration:
    _, configuration = dict(load_configuration(config_path))[agent]
    return configuration


def load_configuration(config_path: str) -> Iterator[tuple[str, tuple[str, AgentConfiguration]]]:
    """
    Yield ``(name, (import path of the class, configuration))`` for each agent of a settings module.

    The environment variables MICROAGENT_BUS and MICROAGENT_BROKER hold DSNs that override those of the module.

    :param config_path: import path of the module, such as ``myproject.settings``
    :raises ConfigurationError: if the module cannot be imported or has no agents; and after the valid agents, if others
        are not, with one line for each
    """
    module = _settings_module(config_path)
    _check_names(module)
    servers = [_Servers(module, "BUS"), _Servers(module, "BROKER")]
    agents = _section(module, "AGENT")
    if not agents:
        raise ConfigurationError(
            f"{config_path}: no agents are configured, AGENT is {'missing' if agents is None else 'empty'}"
        )
    problems: list[str] = []
    for name, entry in agents.items():
        try:
            yield name, _configuration(config_path, name, entry, servers)
        except ConfigurationError as error:
            problems.append(str(error))
    if problems:
        raise ConfigurationError("\n".join(problems))


def _configuration(
    config_path: str, name: str, entry: Entry, servers: Iterable["_Servers"]
) -> tuple[str, AgentConfiguration]:
    place = f"{config_path}: AGENT[{name!r}]"
    backend = entry.get("backend")
    if not isinstance(backend, str):
        has = "".join(f"; there is {key!r}{hint}" for key, hint in _misspelt(entry))
        raise ConfigurationError(f"{place} needs a 'backend', the import path of the agent class{has}")
    rest = {key: value for key, value in entry.items() if key not in ("backend", "bus", "broker")}
    chosen = {key: server for part in servers for key, server in part.chosen_by(entry, place)}
    warnings = [f"{place}: {key!r} is not a key of marun, so it is a setting{hint}" for key, hint in _misspelt(entry)]
    return backend, AgentConfiguration({**rest, **chosen}, config_path, name, warnings)


def _misspelt(entry: Entry) -> Iterator[tuple[str, str]]:
    """``(key, hint)`` for each key that resembles a key of marun which the entry lacks."""
    for key in entry:
        hint = guess(str(key).lower(), KEYS - entry.keys(), LIKENESS)
        if key not in KEYS and hint:
            yield key, hint


def init_agent(backend: str, cfg: Entry) -> MicroAgent[Any, Any]:
    """
    Create an agent with its bus and broker; it is not started.

    :param backend: import path of the agent class
    :param cfg: its configuration, as :func:`load_configuration` yields it: ``bus`` and ``broker`` are entries of BUS
        and BROKER; the content of ``settings`` and all other keys become ``agent.settings``
    :raises ConfigurationError: if a class cannot be imported, or the bus or broker cannot be created
    """
    agent: type[MicroAgent[Any, Any]] = import_class(backend, MicroAgent)
    others = {key: value for key, value in cfg.items() if key not in ("bus", "broker", "settings")}
    return agent(
        bus=make_endpoint(cfg, "bus"),
        broker=make_endpoint(cfg, "broker"),
        settings={**others, **cfg.get("settings", {})},
    )


def make_endpoint(cfg: Entry, key: str) -> Any:
    """
    Create the bus or the broker of a configuration; None if it has none.

    :param key: ``"bus"`` or ``"broker"``
    :raises ConfigurationError: if it cannot be created
    """
    if cfg.get(key) is None:
        return None
    try:
        return _MAKERS[key](cfg[key])
    except ConfigurationError as error:
        raise ConfigurationError(f"its {key}: {error}") from error


class _Servers:
    """The BUS or the BROKER of a settings module."""

    def __init__(self, module: ModuleType, section: str) -> None:
        self._section = section
        self._key = section.lower()
        self._entries = _section(module, section)
        self._override = _override(section)

    def chosen_by(self, agent: Entry, place: str) -> Iterator[tuple[str, Entry]]:
        """
        ``(key, entry)`` for the entry that an agent names.

        ``local://`` if the agent names none and the module has no such dictionary; nothing if it has one.
        """
        name = agent.get(self._key)
        if name is not None:
            yield self._key, self._overridden(self._named(name, f"{place}[{self._key!r}]"))
        elif self._entries is None and self._key not in agent:
            yield self._key, self._overridden({"dsn": EMBEDDED})

    def _named(self, name: object, place: str) -> Entry:
        if not isinstance(name, str):
            raise ConfigurationError(f"{place} has to be a name in {self._section}, not {name!r}")
        entry = (self._entries or {}).get(name)
        if entry is None:
            raise ConfigurationError(f"{place}: {self._section} has no {name!r}{guess(name, self._entries or ())}")
        for key in ("dsn", "backend"):
            if not isinstance(entry.get(key, ""), str):
                raise ConfigurationError(f"{place}: {key!r} of {self._section}[{name!r}] has to be a string")
        return entry

    def _overridden(self, entry: Entry) -> Entry:
        if not self._override:
            return entry
        return {**{key: value for key, value in entry.items() if key != "backend"}, "dsn": self._override}


def _override(section: str) -> str | None:
    """The DSN that an environment variable sets for all entries of a section; None or empty if it does not."""
    variable = f"MICROAGENT_{section}"
    dsn = os.environ.get(variable)
    if dsn:
        try:
            _PATHS[section](dsn)
        except ConfigurationError as error:
            raise ConfigurationError(f"{variable}: {error}") from error
    return dsn


def _settings_module(config_path: str) -> ModuleType:
    if "/" in config_path or config_path.endswith(".py"):
        name = config_path.removesuffix(".py").strip("./").replace("/", ".")
        raise ConfigurationError(f"{config_path}: settings are given as a module name, such as {name}")
    try:
        return import_named(config_path)
    except ConfigurationError as error:
        raise ConfigurationError(f"{config_path}: {error}") from error


def _check_names(module: ModuleType) -> None:
    """
    Refuse a module with a misspelt section: without a BUS, for example, its agents would silently meet on local://.

    :raises ConfigurationError: naming each dictionary that looks like a section which the module does not have
    """
    names = {name for name, value in vars(module).items() if isinstance(value, dict) and not name.startswith("_")}
    hints = {name: guess(name.upper(), SECTIONS - names, LIKENESS) for name in sorted(names - SECTIONS)}
    if problems := [f"{module.__name__}: there is {name!r}{hint}" for name, hint in hints.items() if hint]:
        raise ConfigurationError("\n".join(problems))


def _section(module: ModuleType, name: str) -> dict[str, Entry] | None:
    """The dictionary of dictionaries of this name; None if the module has none."""
    section: object = getattr(module, name, None)
    if section is None:
        return None
    if not isinstance(section, dict):
        raise ConfigurationError(f"{module.__name__}: {name} has to be a dictionary, such as {_example(name)}")
    entries = cast("dict[object, object]", section).items()
    wrong = [key for key, entry in entries if not (isinstance(key, str) and isinstance(entry, dict))]
    if wrong:
        told = f"has to be a dictionary under a string key, such as {_example(name)}"
        raise ConfigurationError("\n".join(f"{module.__name__}: {name}[{key!r}] {told}" for key in wrong))
    return cast("dict[str, Entry]", section)


def _example(name: str) -> str:
    where = "" if name == "AGENT" else ", 'dsn': 'local://'"
    return f"{name} = {{'regular': {{'backend': 'package.module.Class'{where}}}}}"
