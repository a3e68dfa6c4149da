"""Loads and checks the agents of settings modules."""

from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from microagent.errors import ConfigurationError
from microagent.names import guess
from microagent.running.blueprint import Blueprint
from microagent.running.settings import AgentConfiguration, load_configuration

Group: TypeAlias = Mapping[str, tuple[str, AgentConfiguration]]


def load_group(settings: Iterable[str], only: Collection[str] = ()) -> Group:
    """
    The agents of all modules: by name, the import path of the class and its configuration. Each has been checked.

    :param settings: import paths of the settings modules
    :param only: names of the agents to load; empty: all
    :raises ConfigurationError: with one line for each problem that would keep an agent from starting
    """
    problems: list[str] = []
    group = _chosen(_loaded(settings, problems), only, problems)
    for name, (backend, configuration) in group.items():
        try:
            Blueprint.of(backend, configuration)
        except ConfigurationError as error:
            problems.append(f"{configuration.config_path}: AGENT[{name!r}]: {error}")
            problems.extend(configuration.warnings)  # a misspelt key may be the reason
    if problems:
        raise ConfigurationError("\n".join(problems))
    return group


def in_memory(group: Group) -> str:
    """The agents of a larger group whose ``memory://`` bus or broker the others cannot reach, as text, or ``""``."""
    found = [
        f"the {key} of {name!r}"
        for name, (_, configuration) in group.items()
        for key in ("bus", "broker")
        if _dsn(configuration, key).startswith("memory://")
    ]
    return ", ".join(found) if len(group) > 1 else ""


def _dsn(configuration: AgentConfiguration, key: str) -> str:
    entry: Mapping[str, object] = configuration.get(key) or {}
    return str(entry.get("dsn", ""))


def _loaded(settings: Iterable[str], problems: list[str]) -> Group:
    group: dict[str, tuple[str, AgentConfiguration]] = {}
    for config_path in settings:
        try:
            for name, found in load_configuration(config_path):
                if name in group:
                    both = f"{group[name][1].config_path} and {config_path}"
                    problems.append(f"two agents are called {name!r}, in {both}")
                group[name] = found
        except ConfigurationError as error:
            problems.append(str(error))
    return group


def _chosen(group: Group, only: Collection[str], problems: list[str]) -> Group:
    problems += [f"there is no agent {name!r}{guess(name, group)}" for name in only if name not in group]
    return {name: found for name, found in group.items() if not only or name in only}
