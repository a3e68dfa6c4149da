"""``marun``: run the agents that settings modules declare."""

import multiprocessing
import os
import sys
from collections.abc import Iterable, Mapping
from typing import NoReturn

import click

from microagent.agent import SHUTDOWN_TIMEOUT
from microagent.agent_process import log_to_stderr
from microagent.errors import ConfigurationError, GroupInterrupt, ServerInterrupt
from microagent.settings import AgentConfiguration, check, init_agent, load_configuration
from microagent.supervisor import AgentsManager

__all__ = ["AgentsManager", "GroupInterrupt", "ServerInterrupt", "init_agent", "load_configuration", "main"]

FAILED = 1  # an agent did
MISTAKE = 2  # in the command line or the settings


_EPILOG = """
The exit status is 0 when all agents stopped cleanly, 1 when one failed or had to be killed, and 2 when the command
line or the settings are wrong; then nothing was started.
"""


@click.command(epilog=_EPILOG)
@click.argument("settings", nargs=-1, required=True)
@click.option(
    "--start-method",
    type=click.Choice(multiprocessing.get_all_start_methods()),
    help="How processes are started. Default: the platform's way.",
)
@click.option(
    "--shutdown-timeout",
    type=click.FloatRange(min=0),
    default=SHUTDOWN_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="How long handlers may take to finish when the group stops.",
)
@click.version_option(package_name="microagent", message="%(package)s %(version)s")
def main(settings: tuple[str, ...], start_method: str | None, shutdown_timeout: float) -> None:
    """
    Run the agents of one or more SETTINGS modules, each agent in a process of its own.

    All of them start and stop together: when one fails or ends, the others are stopped. SIGINT (Ctrl-C) and SIGTERM
    stop the group, its handlers finishing first; a second one kills it at once.

    \b
    An example, myproject/settings.py:
      AGENT = {
          "user_agent": {"backend": "myproject.agents.UserAgent"},
          "email_agent": {"backend": "myproject.agents.EmailAgent"},
      }

    \b
      $ marun myproject.settings

    They meet on local://, a folder in the working directory. BUS and BROKER dictionaries in the settings, or the
    environment variables MICROAGENT_BUS and MICROAGENT_BROKER, name other servers.
    """
    sys.path.insert(0, os.getcwd())
    try:
        group = _group(settings)
    except ConfigurationError as mistake:
        _leave(str(mistake), MISTAKE)
    log_to_stderr()
    try:
        AgentsManager(list(group.items()), start_method=start_method, shutdown_timeout=shutdown_timeout).start()
    except GroupInterrupt as end:
        _leave(f"{end}; the group was stopped", FAILED)


def _group(settings: Iterable[str]) -> Mapping[str, tuple[str, AgentConfiguration]]:
    """
    The agents of all modules, each checked.

    :raises ConfigurationError: for the first thing that would keep one of them from starting
    """
    group: dict[str, tuple[str, AgentConfiguration]] = {}
    for config_path in settings:
        for name, (backend, configuration) in load_configuration(config_path):
            if name in group:
                both = f"{group[name][1].config_path} and {config_path}"
                raise ConfigurationError(f"two agents are called {name!r}, in {both}")
            try:
                check(backend, configuration)
            except ConfigurationError as error:
                raise ConfigurationError(f"{config_path}: AGENT[{name!r}]: {error}") from error
            group[name] = backend, configuration
    return group


def _leave(sentence: str, status: int) -> NoReturn:
    click.echo(f"marun: {sentence}", err=True)
    sys.exit(status)
