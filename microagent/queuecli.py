"""``microagent-queues``: look at the queues and the dead letters of a group of agents, and clear them."""

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

import click

from microagent.boundqueue import BoundQueue
from microagent.broker import AbstractQueueBroker
from microagent.colours import are_wanted
from microagent.delivery import DeadLetter
from microagent.errors import ConfigurationError, ExtraMissing, MicroAgentError
from microagent.plurals import counted
from microagent.printable import printable
from microagent.running.group import load_group
from microagent.running.groupqueues import GroupQueue, check_place, find_queue, group_queues

EXIT_FAILED = 1  # a server was away, or a dead letter is not there
EXIT_USAGE = 2  # the command line or the settings are wrong
PAGE = 1000  # dead letters that are read at once

T = TypeVar("T")

_EPILOG = """
The exit status is 0 if all was done, 1 if a server could not be reached or a dead letter is not there, and 2 if the
command line or the settings are wrong.
"""


def _not_a_command(context: click.Context, _: click.Parameter, settings: str) -> str:
    if isinstance(context.command, click.Group) and settings in context.command.commands:
        raise click.UsageError(f"the settings come first: microagent-queues SETTINGS {settings} ...")
    return settings


class _SettingsFirst(click.Group):
    """A group whose own options may stand behind SETTINGS, up to the name of the command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.allow_interspersed_args = True
        command = next((n for n, each in enumerate(args) if n and each in self.commands), len(args))
        return super().parse_args(ctx, [*args[:command], "--", *args[command:]])


@click.group(
    cls=_SettingsFirst,
    epilog=_EPILOG,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND [ARGS]...]",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.argument("settings", callback=_not_a_command)
@click.option("--broker", default="", metavar="TEXT", help="Only brokers with TEXT in their DSN.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per queue.")
@click.version_option(package_name="microagent", message="%(package)s %(version)s")
@click.pass_context
def main(context: click.Context, settings: str, *, broker: str, as_json: bool) -> None:
    """
    Look at the queues of the agents in a SETTINGS module, and at their dead letters.

    Without a command: list the queues, with the number of waiting messages and of dead letters. SETTINGS and the
    environment variable MICROAGENT_BROKER are those of marun.

    \b
      $ microagent-queues myproject.settings
      $ microagent-queues myproject.settings dead mailer
      $ microagent-queues myproject.settings resend mailer 17 18
      $ microagent-queues myproject.settings discard mailer --all
    """
    context.color = are_wanted(os.environ)
    logging.getLogger().addHandler(logging.NullHandler())  # what is wrong is told once, by the error
    sys.path.insert(0, os.getcwd())
    try:
        context.obj = group_queues(load_group([settings]), broker)
    except (ConfigurationError, ExtraMissing) as error:
        _exit(str(error), EXIT_USAGE)
    if context.invoked_subcommand is None:
        _list(context.obj, as_json)
    elif as_json:
        raise click.UsageError("--json comes after the command")


@main.command()
@click.argument("queue")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Show at most so many.")
@click.option("--bodies", is_flag=True, help="Show the messages themselves, too; they may be confidential.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per dead letter.")
@click.pass_obj
def dead(queues: list[GroupQueue], queue: str, *, limit: int, bodies: bool, as_json: bool) -> None:
    """Show the oldest dead letters of QUEUE: id, time, number of attempts, and reason."""
    letters = _on(queues, queue, lambda bound: bound.dead(limit + 1))
    for letter in letters[:limit]:
        click.echo(_as_json(letter, bodies) if as_json else _as_line(letter, bodies))
    if not as_json:
        shown = f"the oldest {limit} of more" if len(letters) > limit else _counted(letters)
        click.echo(f"{queue}: {shown}", err=True)


@main.command()
@click.argument("queue")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All dead letters that there are now.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def resend(queues: list[GroupQueue], queue: str, ids: tuple[str, ...], *, everything: bool, yes: bool) -> None:
    """Send dead letters of QUEUE again, those with these IDs or --all, and remove them from the dead letters."""
    _check_which("resend", ids, everything)
    _clear(queues, queue, _Clearing("resend", "resent", BoundQueue.resend), ids, yes or not everything)


@main.command()
@click.argument("queue")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All dead letters that there are now.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def discard(queues: list[GroupQueue], queue: str, ids: tuple[str, ...], *, everything: bool, yes: bool) -> None:
    """Delete dead letters of QUEUE, those with these IDs or --all, for good."""
    _check_which("discard", ids, everything)
    _clear(queues, queue, _Clearing("discard", "discarded", BoundQueue.discard), ids, yes)


# -- listing


@dataclass(frozen=True, slots=True)
class _Row:
    """What is known of a queue; without numbers, ``error`` says why."""

    queue: GroupQueue
    waiting: int = 0
    dead: int = 0
    error: str = ""

    @property
    def cells(self) -> tuple[str, str, str, str]:
        dead = f"{PAGE}+" if self.dead > PAGE else str(self.dead)
        waiting, dead = ("?", "?") if self.error else (str(self.waiting), dead)
        return self.queue.title, waiting, dead, repr(self.queue.broker)

    @property
    def as_json(self) -> str:
        facts: dict[str, Any] = {"queue": self.queue.name, "broker": repr(self.queue.broker)}
        if self.queue.group is not None:
            facts["group"] = self.queue.group
        if self.error:
            return json.dumps({**facts, "error": self.error})
        return json.dumps({**facts, "waiting": self.waiting, "dead": self.dead, "dead_is_at_least": self.dead > PAGE})


def _list(queues: Sequence[GroupQueue], as_json: bool) -> None:
    rows = _run(_counts(queues))
    cells = [("queue", "waiting", "dead", "broker"), *(row.cells for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in rows if as_json else ():
        click.echo(row.as_json)
    for name, waiting, dead, broker in cells if not as_json else ():
        click.echo(f"{name:<{widths[0]}}  {waiting:>{widths[1]}}  {dead:>{widths[2]}}  {broker}")
    if errors := dict.fromkeys(row.error for row in rows if row.error):
        _exit("\n".join(errors), EXIT_FAILED)


async def _counts(queues: Sequence[GroupQueue]) -> list[_Row]:
    by_broker: dict[int, list[GroupQueue]] = {}
    for queue in queues:
        by_broker.setdefault(id(queue.broker), []).append(queue)
    found = await asyncio.gather(*(_counts_on(those[0].broker, those) for those in by_broker.values()))
    return [row for rows in found for row in rows]


async def _counts_on(broker: AbstractQueueBroker, queues: Sequence[GroupQueue]) -> list[_Row]:
    """One queue after the other; if the server is away, it is waited for once."""
    rows: list[_Row] = []
    try:
        async with _looked_at(broker):
            for queue in queues:
                rows.append(_Row(queue, await queue.waiting(), len(await queue.bound.dead(PAGE + 1))))
    except MicroAgentError as error:
        rows += [_Row(queue, error=str(error)) for queue in queues[len(rows) :]]
    return rows


# -- dead letters


def _as_line(letter: DeadLetter, bodies: bool) -> str:
    body = f"\n    {printable(letter.body.decode(errors='backslashreplace'), len(letter.body) * 4)}" if bodies else ""
    attempts = counted(letter.attempts, "attempt")
    return f"{printable(letter.id)}  {_when(letter):<20}  {attempts:<11} {printable(letter.reason)}{body}"


def _as_json(letter: DeadLetter, bodies: bool) -> str:
    facts = {"id": letter.id, "time": _when(letter), "attempts": letter.attempts, "reason": letter.reason}
    body = {"body": letter.body.decode(errors="backslashreplace")} if bodies else {}
    return json.dumps({"queue": letter.queue, **facts, **body})


def _when(letter: DeadLetter) -> str:
    """UTC; what cannot be is foreign."""
    try:
        return datetime.fromtimestamp(letter.time, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return "?"


@dataclass(frozen=True, slots=True)
class _Clearing:
    """One of the two things that can be done with dead letters, in words and in deed."""

    verb: str
    done: str
    do: Callable[..., Awaitable[int]]


def _clear(queues: list[GroupQueue], name: str, clearing: _Clearing, ids: Sequence[str], sure: bool) -> None:
    letters = _on(queues, name, lambda bound: _chosen(bound, ids))
    if letters and not sure:
        amount = f"more than {PAGE} dead letters" if len(letters) > PAGE and not ids else _counted(letters)
        click.confirm(f"{clearing.verb.capitalize()} {amount} of queue {name!r}?", abort=True, err=True)
    count = _on(queues, name, lambda bound: _cleared(bound, clearing, letters, everything=not ids))
    click.echo(f"{name}: {counted(count, 'dead letter')} {clearing.done}")
    if count < len(letters):
        _exit(f"{name}: the others have been resent or discarded by somebody else meanwhile", EXIT_FAILED)


def _counted(letters: Sequence[DeadLetter]) -> str:
    return counted(len(letters), "dead letter")


def _check_which(verb: str, ids: Sequence[str], everything: bool) -> None:
    if bool(ids) is everything:
        raise click.UsageError(f"say which dead letters to {verb}: their IDs, or --all")


async def _chosen(bound: BoundQueue, ids: Sequence[str]) -> list[DeadLetter]:
    """
    The dead letters with these ids; without any, the oldest ones.

    :raises MicroAgentError: if one is not there
    """
    if not ids:
        return await bound.dead(PAGE + 1)
    limit, wanted = PAGE, dict.fromkeys(ids)
    while True:
        letters = await bound.dead(limit)
        found = {letter.id: letter for letter in letters if letter.id in wanted}
        if len(found) == len(wanted):
            return [*found.values()]
        if len(letters) < limit:
            missing = ", ".join(printable(each) for each in wanted if each not in found)
            raise MicroAgentError(f"queue '{bound.queue.name}' has no dead letter {missing}; nothing was done")
        limit *= 10


async def _cleared(bound: BoundQueue, clearing: _Clearing, letters: list[DeadLetter], *, everything: bool) -> int:
    """How many were; of ``everything``, those that failed again meanwhile are not taken a second time."""
    began, count = time.time(), 0
    while letters:
        done = await clearing.do(bound, *letters)
        count += done
        again = await bound.dead(PAGE) if everything and done else []
        letters = [letter for letter in again if letter.time < began]
    return count


# -- running


def _on(queues: list[GroupQueue], name: str, act: Callable[[BoundQueue], Coroutine[Any, Any, T]]) -> T:
    """What ``act`` makes of the queue of this name; on a failure, a sentence and the end of the program."""
    try:
        queue = find_queue(queues, name)
    except ConfigurationError as error:
        _exit(str(error), EXIT_USAGE)

    async def acted() -> T:
        async with _looked_at(queue.broker):
            return await act(queue.bound)

    return _run(acted())


@asynccontextmanager
async def _looked_at(broker: AbstractQueueBroker) -> AsyncGenerator[None, None]:
    """It connects by itself when it is asked something, and is not waited for for ever."""
    check_place(broker)
    try:
        yield
    finally:
        await broker.close()


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except MicroAgentError as error:
        _exit(str(error), EXIT_FAILED)


def _exit(sentences: str, status: int) -> NoReturn:
    for sentence in sentences.split("\n"):
        click.secho(f"microagent-queues: {sentence}", err=True, fg="red", color=are_wanted(os.environ))
    sys.exit(status)
