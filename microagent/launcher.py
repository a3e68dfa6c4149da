"""``marun``: run the agents that settings modules declare."""

import logging
import multiprocessing
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from errno import EEXIST, EPIPE
from pathlib import Path
from typing import NoReturn

import click

from microagent.agent import SHUTDOWN_TIMEOUT
from microagent.asyncapi.writing import MARK, text
from microagent.atomic import write_whole
from microagent.colours import are_wanted
from microagent.errors import ConfigurationError, ExtraMissing, GroupInterrupt, ServerInterrupt
from microagent.plurals import counted
from microagent.printing import cut_off
from microagent.running.blueprint import Blueprint
from microagent.running.group import Group, in_memory, load_group
from microagent.running.logs import LEVELS, Logs
from microagent.running.loops import LOOPS, Loop
from microagent.running.overview import overview
from microagent.running.participants import api_of, unseen
from microagent.running.reloading import Reloader
from microagent.running.settings import init_agent, load_configuration
from microagent.running.supervisor import AgentsManager

__all__ = ["AgentsManager", "GroupInterrupt", "ServerInterrupt", "init_agent", "load_configuration", "main"]

FAILED = 1  # an agent did
MISTAKE = 2  # in the command line or the settings

log = logging.getLogger("microagent.launcher")


_EPILOG = """
The exit status is 0 when all agents stopped cleanly, 1 when one failed or had to be killed, and 2 when the command
line or the settings are wrong; then nothing was started.
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
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
@click.option("--only", multiple=True, metavar="NAME", help="Run this agent alone; may be given again for more.")
@click.option("--check", is_flag=True, help="Run nothing: validate the settings, and show the agents as trees.")
@click.option(
    "--asyncapi",
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Run nothing: write who sends and receives what, as AsyncAPI 3.0; - for the standard output.",
)
@click.option("--reload", is_flag=True, help="For development: start again when a .py or .json file below changes.")
@click.option(
    "--log-level",
    type=click.Choice(LEVELS, case_sensitive=False),
    help="Log this and above. Default: INFO, or what the settings say.",
)
@click.option("--json-logs", is_flag=True, help="Log JSON, an object a line, whatever the settings say.")
@click.option(
    "--loop", type=click.Choice(LOOPS), default="asyncio", show_default=True, help="The event loop that agents run on."
)
@click.version_option(package_name="microagent", message="%(package)s %(version)s")
@click.pass_context
def main(
    context: click.Context,
    settings: tuple[str, ...],
    *,
    start_method: str | None,
    shutdown_timeout: float,
    only: tuple[str, ...],
    check: bool,
    asyncapi: str | None,
    reload: bool,
    log_level: str | None,
    json_logs: bool,
    loop: Loop,
) -> None:
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
      $ marun myproject.settings --check
      $ marun myproject.settings --asyncapi asyncapi.json
      $ marun myproject.settings
      $ marun myproject.settings --only user_agent --reload --log-level debug

    They meet on local://, a folder in the working directory. BUS and BROKER dictionaries in the settings, or the
    environment variables MICROAGENT_BUS and MICROAGENT_BROKER, name other servers.
    """
    if reload and (check or asyncapi is not None):
        raise click.UsageError(f"{'--check' if check else '--asyncapi'} and --reload exclude each other")
    context.color = are_wanted(os.environ)
    sys.path.insert(0, os.getcwd())
    run = Run(settings, only, start_method, shutdown_timeout, Logs(log_level, json_logs), loop)
    if check or asyncapi is not None:
        _tell(run, check, asyncapi)
    elif reload:
        run.logs.set_up()
        Reloader(run, Path.cwd()).run()
    else:
        run()


@dataclass(frozen=True, slots=True)
class Run:
    """What one command line asks for, in a form that a process can be given."""

    settings: tuple[str, ...]
    only: tuple[str, ...]
    start_method: str | None
    shutdown_timeout: float
    logs: Logs
    loop: Loop

    def __call__(self) -> None:
        """Run the group until it ends; exit if that is not clean."""
        group = self._load()
        self.logs.set_up()
        for doubt in _doubts(group):
            log.warning("%s", doubt)
        if alone := in_memory(group):
            log.warning("%s: a memory:// of one process is not that of another, so nothing passes between them", alone)
        try:
            AgentsManager(
                list(group.items()),
                start_method=self.start_method,
                shutdown_timeout=self.shutdown_timeout,
                logs=self.logs,
                loop=self.loop,
            ).start()
        except ExtraMissing as mistake:
            self._leave(str(mistake), MISTAKE)
        except GroupInterrupt as end:
            self._leave(f"{end}; the group was stopped", FAILED)

    def tell(self, trees: bool, asyncapi: str | None) -> None:
        """Print the agents as trees, and write their document."""
        group = self._load()
        self._say(_doubts(group), logging.WARNING, "yellow")
        blueprints = {name: Blueprint.of(*found) for name, found in group.items()}
        for name, blueprint in blueprints.items() if trees else ():
            head, *branches = overview(name, blueprint).lines()
            click.echo("\n".join([click.style(head, bold=True), *branches]))
        if asyncapi is not None:
            self._write(asyncapi, blueprints)

    def _write(self, file: str, blueprints: Mapping[str, Blueprint]) -> None:
        api = api_of(", ".join(self.settings), blueprints)
        for name, blueprint in blueprints.items():
            self._say(unseen(name, blueprint), logging.WARNING, "yellow")
        content = text(api).encode("utf-8", "backslashreplace")
        if file == "-":
            click.echo(content, nl=False)
            return
        try:
            _refuse_foreign(Path(file))
            write_whole(Path(file), content)
        except OSError as error:
            self._leave(f"{file}: cannot be written: {error.strerror}", MISTAKE)
        counts = [(len(blueprints), "agent"), (len(api.signals), "signal"), (len(api.queues), "queue")]
        click.echo(f"{file}: {', '.join(counted(*each) for each in counts)}")

    def _load(self) -> Group:
        try:
            return load_group(self.settings, self.only)
        except ConfigurationError as mistakes:
            self._leave(str(mistakes), MISTAKE)

    def _leave(self, sentences: str, status: int) -> NoReturn:
        """Say what happened, a line each, and exit."""
        self._say(sentences.split("\n"), logging.CRITICAL, "red")
        sys.exit(status)

    def _say(self, sentences: Iterable[str], level: int, colour: str) -> None:
        if self.logs.as_json:
            self.logs.set_up()
        for sentence in sentences:
            if self.logs.as_json:
                log.log(level, "%s", sentence)
            else:
                click.secho(f"marun: {sentence}", err=True, fg=colour, color=are_wanted(os.environ))


def _tell(run: Run, trees: bool, asyncapi: str | None) -> None:
    try:
        run.tell(trees, asyncapi)
    except OSError as error:
        if error.errno == EPIPE:  # who read it has seen enough, as click knows
            raise
        click.echo(f"marun: {cut_off(error)}", err=True)
        sys.exit(FAILED)


def _refuse_foreign(path: Path) -> None:
    """:raises OSError: if a file that was not generated would be lost"""
    with suppress(FileNotFoundError), path.open("rb") as file:
        begin = file.read(len(MARK))
        if begin and begin != MARK:
            raise FileExistsError(EEXIST, "it was not generated; move it away, or choose another file")


def _doubts(group: Group) -> Iterator[str]:
    """What nothing keeps from running, and is hardly meant."""
    for name, (backend, configuration) in group.items():
        yield from configuration.doubts
        for doubt in Blueprint.of(backend, configuration).doubts():
            yield f"{configuration.config_path}: AGENT[{name!r}]: {doubt}"
