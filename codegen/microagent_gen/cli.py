"""The command ``microagent-gen``: the only module that prints or exits."""

import io
import sys
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import NoReturn

import click

from microagent_gen.model import contract
from microagent_gen.output import OutputError, Plan, compare, diff, write
from microagent_gen.render import render
from microagent_gen.sources import Collection, collect, is_url

EXAMPLE = """
\b
Example:
  microagent-gen schemas/ -o myproj/contracts
  microagent-gen schemas/ -o myproj/contracts --check     in CI
\b
Then, in an agent:
  from myproj.contracts import Broker, Bus, queues, signals
\b
Exit status: 0 when all is well, 1 when the sources are wrong or --check finds
a difference, 2 when the command line is wrong.
"""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=EXAMPLE)
@click.argument("sources", nargs=-1, metavar="SOURCES...")
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), metavar="DIR", help="The package to write.")
@click.option("--check", is_flag=True, help="Write nothing; show what differs from what would be written.")
@click.option("--print-schema", is_flag=True, help="Print the JSON Schema of the sources, for editors.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@click.version_option(package_name="microagent", prog_name="microagent-gen")
def main(sources: tuple[str, ...], folder: Path | None, check: bool, print_schema: bool, quiet: bool) -> None:
    """
    Typed Python from declarations of signals and queues.

    SOURCES are JSON files, folders (their own *.json files) or URLs (https://, http://, file://). DIR becomes a package
    that imports only microagent and the standard library; files in it that were not generated are left alone.
    """
    _accept_any_text()
    if print_schema:
        click.echo(files("microagent").joinpath("format.schema.json").read_text("utf-8"), nl=False)
        return
    target = _checked_usage(sources, folder)
    collection = collect(sources)
    _report(collection, quiet)
    plan = _planned(target, collection)
    if check:
        _show(plan)
    else:
        _write(plan)
    if not quiet:
        click.echo(_summary(plan, collection, check))


def _accept_any_text() -> None:
    """File names and declarations may hold what the terminal cannot show."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _checked_usage(sources: tuple[str, ...], folder: Path | None) -> Path:
    if not sources:
        raise click.UsageError("name at least one file, folder or URL")
    if folder is None:
        raise click.UsageError("say with -o DIR where the package goes")
    if folder.is_file():
        raise click.UsageError(f"-o {folder} is a file; it must be a folder")
    if missing := [source for source in sources if not is_url(source) and not Path(source).exists()]:
        raise click.UsageError(f"no such file or folder: {', '.join(missing)}")
    return folder


def _report(collection: Collection, quiet: bool) -> None:
    if not quiet:
        for text in (*collection.notes, *(f"warning: {warning}" for warning in collection.warnings)):
            click.echo(text, err=True)
    if collection.problems:
        _fail(collection.problems)


def _planned(folder: Path, collection: Collection) -> Plan:
    try:
        model = contract(collection.signals.values(), collection.queues.values(), collection.labels)
        return compare(folder, render(model))
    except OutputError as exc:
        _fail([str(exc)])
    except OSError as exc:
        _fail([f"{exc.filename}: cannot be read: {exc.strerror}"])
    except RecursionError:
        _fail(["a schema is nested too deeply"])
    except SyntaxError as exc:
        _fail([f"{exc.filename} would be no Python at line {exc.lineno}: a defect of microagent-gen, please report it"])


def _show(plan: Plan) -> None:
    if plan.changes:
        click.echo(diff(plan), nl=False)
        _fail([f"{plan.folder} is not what would be written: run microagent-gen again"])


def _write(plan: Plan) -> None:
    try:
        write(plan)
    except OSError as exc:
        _fail([f"{exc.filename}: cannot be written: {exc.strerror}"])


def _fail(problems: Iterable[str]) -> NoReturn:
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(1)


def _summary(plan: Plan, collection: Collection, check: bool) -> str:
    counts = [_count(len(collection.signals), "signal"), _count(len(collection.queues), "queue")]
    if not plan.changes:
        counts.append("up to date" if check else "unchanged")
    if plan.written:
        counts.append(f"{_count(plan.written, 'file')} written")
    if plan.removed:
        counts.append(f"{_count(plan.removed, 'file')} removed")
    return f"{plan.folder}: {', '.join(counts)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
