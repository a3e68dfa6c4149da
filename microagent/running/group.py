"""The agents of some settings modules: which of them are wanted, and what would keep them from running."""

from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from microagent.errors import ConfigurationError
from microagent.names import guess
from microagent.running.blueprint import Blueprint
from microagent.running.settings import AgentConfiguration, load_configuration

Group: TypeAlias = Mapping[str, tuple[str, AgentConfiguration]]


def load_group(settings: Iterable[str], only: Collection[str] = ()) -> Group:
    """
    The agents of all modules, each checked: their names, import paths and configurations.

    :param only: names of the agents that are wanted; without any, all
    :raises ConfigurationError: with a line for each thing that would keep one of them from starting
    """
    problems: list[str] = []
    group = _chosen(_loaded(settings, problems), only, problems)
    for name, (backend, configuration) in group.items():
        try:
            Blueprint.of(backend, configuration)
        except ConfigurationError as error:
            problems.append(f"{configuration.config_path}: AGENT[{name!r}]: {error}")
    if problems:
        raise ConfigurationError("\n".join(problems))
    return group


def in_memory(group: Group) -> str:
    """Which agents of a group of several are on a bus or broker that no other process can reach; empty for none."""
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
