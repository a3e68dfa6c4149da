"""``marun``, the command that runs the agents of settings modules."""

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
from microagent.running.apidocument import api_document, omissions
from microagent.running.blueprint import Blueprint
from microagent.running.group import Group, in_memory, load_group
from microagent.running.logs import LEVELS, Logs
from microagent.running.loops import LOOPS, Loop
from microagent.running.overview import overview
from microagent.running.reloading import Reloader
from microagent.running.settings import init_agent, load_configuration
from microagent.running.supervisor import AgentsManager

__all__ = ["AgentsManager", "GroupInterrupt", "ServerInterrupt", "init_agent", "load_configuration", "main"]

EXIT_FAILED = 1  # an agent failed
EXIT_USAGE = 2  # the command line or the settings are wrong

log = logging.getLogger("microagent.launcher")


_EPILOG = """
Exit status: 0 if all agents stopped cleanly, 1 if one failed or had to be killed, 2 if the command line or the settings
are wrong, in which case nothing was started.
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("settings", nargs=-1, required=True)
@click.option(
    "--start-method",
    type=click.Choice(multiprocessing.get_all_start_methods()),
    help="How processes are started. Default: that of the platform.",
)
@click.option(
    "--shutdown-timeout",
    type=click.FloatRange(min=0),
    default=SHUTDOWN_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="How long handlers may take to finish when the group stops; then they are cancelled.",
)
@click.option("--only", multiple=True, metavar="NAME", help="Run only this agent; can be given several times.")
@click.option("--check", is_flag=True, help="Run nothing; check the settings, and print an overview of each agent.")
@click.option(
    "--asyncapi",
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Run nothing; write an AsyncAPI 3.0 document of who sends and receives what (- for stdout).",
)
@click.option(
    "--reload",
    is_flag=True,
    help="For development: restart when a .py or .json file in or below this folder changes.",
)
@click.option(
    "--log-level",
    type=click.Choice(LEVELS, case_sensitive=False),
    help="Lowest level to log. Default: what the settings configure, else INFO.",
)
@click.option("--json-logs", is_flag=True, help="Log one JSON object per line, whatever the settings configure.")
@click.option(
    "--loop",
    type=click.Choice(LOOPS),
    default="asyncio",
    show_default=True,
    help="The event loop of the agents.",
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

    The agents start and stop together: when one ends or fails, the others are stopped. SIGINT (Ctrl-C) or SIGTERM stops
    the group gracefully: running handlers finish first. A second signal kills it at once.

    \b
    Example of a settings module, myproject/settings.py:
      AGENT = {
          "user_agent": {"backend": "myproject.agents.UserAgent"},
          "email_agent": {"backend": "myproject.agents.EmailAgent"},
      }

    \b
      $ marun myproject.settings --check
      $ marun myproject.settings --asyncapi asyncapi.json
      $ marun myproject.settings
      $ marun myproject.settings --only user_agent --reload --log-level debug

    These agents communicate through local://, a folder in the working directory. BUS and BROKER dictionaries in the
    settings, or the environment variables MICROAGENT_BUS and MICROAGENT_BROKER, select other servers.
    """
    if reload and (check or asyncapi is not None):
        raise click.UsageError(f"{'--check' if check else '--asyncapi'} and --reload exclude each other")
    context.color = are_wanted(os.environ)
    sys.path.insert(0, os.getcwd())
    run = Run(settings, only, start_method, shutdown_timeout, Logs(log_level, json_logs), loop)
    if check or asyncapi is not None:
        _describe(run, check, asyncapi)
    elif reload:
        run.logs.set_up()
        Reloader(run, Path.cwd()).run()
    else:
        run()


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a group as the command line asks for it; picklable, for the process that ``--reload`` starts."""

    settings: tuple[str, ...]
    only: tuple[str, ...]
    start_method: str | None
    shutdown_timeout: float
    logs: Logs
    loop: Loop

    def __call__(self) -> None:
        """Run the group until it ends; exit with a status other than 0 if that is not clean."""
        group = self._load()
        self.logs.set_up()
        for warning in _warnings(group):
            log.warning("%s", warning)
        if isolated := in_memory(group):
            log.warning("%s: memory:// is private to each process, so nothing passes between these agents", isolated)
        try:
            AgentsManager(
                list(group.items()),
                start_method=self.start_method,
                shutdown_timeout=self.shutdown_timeout,
                logs=self.logs,
                loop=self.loop,
            ).start()
        except ExtraMissing as error:
            self._exit(str(error), EXIT_USAGE)
        except GroupInterrupt as interrupt:
            self._exit(f"{interrupt}; the group was stopped", EXIT_FAILED)

    def describe(self, trees: bool, asyncapi: str | None) -> None:
        """Print an overview of each agent, and write the AsyncAPI document of all of them to the file ``asyncapi``."""
        group = self._load()
        self._say(_warnings(group), logging.WARNING, "yellow")
        blueprints = {name: Blueprint.of(*found) for name, found in group.items()}
        for name, blueprint in blueprints.items() if trees else ():
            head, *branches = overview(name, blueprint).lines()
            click.echo("\n".join([click.style(head, bold=True), *branches]))
        if asyncapi is not None:
            self._write(asyncapi, blueprints)

    def _write(self, file: str, blueprints: Mapping[str, Blueprint]) -> None:
        api = api_document(", ".join(self.settings), blueprints)
        for name, blueprint in blueprints.items():
            self._say(omissions(name, blueprint), logging.WARNING, "yellow")
        content = text(api).encode("utf-8", "backslashreplace")
        if file == "-":
            click.echo(content, nl=False)
            return
        try:
            _check_is_ours(Path(file))
            write_whole(Path(file), content)
        except OSError as error:
            self._exit(f"{file}: cannot be written: {error.strerror}", EXIT_USAGE)
        counts = [(len(blueprints), "agent"), (len(api.signals), "signal"), (len(api.queues), "queue")]
        click.echo(f"{file}: {', '.join(counted(*each) for each in counts)}")

    def _load(self) -> Group:
        try:
            return load_group(self.settings, self.only)
        except ConfigurationError as error:
            self._exit(str(error), EXIT_USAGE)

    def _exit(self, sentences: str, status: int) -> NoReturn:
        """Print the sentences, one per line, and exit."""
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


def _describe(run: Run, trees: bool, asyncapi: str | None) -> None:
    try:
        run.describe(trees, asyncapi)
    except OSError as error:
        if error.errno == EPIPE:  # the reader of a pipe has seen enough; click handles it
            raise
        click.echo(f"marun: {cut_off(error)}", err=True)
        sys.exit(EXIT_FAILED)


def _check_is_ours(path: Path) -> None:
    """:raises OSError: if the file exists and was not generated: it would be lost"""
    with suppress(FileNotFoundError), path.open("rb") as file:
        begin = file.read(len(MARK))
        if begin and begin != MARK:
            raise FileExistsError(EEXIST, "it was not generated; move it away, or choose another file")


def _warnings(group: Group) -> Iterator[str]:
    """What would run, and is probably a mistake in the settings; one sentence each."""
    for name, (backend, configuration) in group.items():
        yield from configuration.warnings
        for warning in Blueprint.of(backend, configuration).warnings():
            yield f"{configuration.config_path}: AGENT[{name!r}]: {warning}"
