"""The command ``microagent-gen``: the only module that prints or exits."""

import gc
import io
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
from click.shell_completion import CompletionItem

from microagent.colours import are_wanted
from microagent.compat.rules import MODES, Mode
from microagent.errors import ConfigurationError
from microagent.plurals import counted
from microagent.watching import Snapshot, changes, snapshot
from microagent_gen import colours
from microagent_gen.arguments import check_combination, comparison_of, job_of
from microagent_gen.configuration import configuration
from microagent_gen.generation import Failure, Generated, Job, apply, generate
from microagent_gen.outputs import Outputs
from microagent_gen.projects import candidates
from microagent_gen.sources import Collection, collect, is_url, watched_files
from microagent_gen.writing import Plan, diff

if TYPE_CHECKING:
    from microagent_gen.against import Comparison

STYLES = ("text", "json", "github")
EXAMPLES = """
\b
Examples:

\b
  A package from all *.json files of a folder:
    microagent-gen schemas/ -o myproj/contracts

\b
  Then, in an agent:
    from myproj.contracts import Broker, Bus, queues, signals

\b
  In CI, fail with a diff when the package is out of date:
    microagent-gen schemas/ -o myproj/contracts --check

\b
  During development, regenerate on every change:
    microagent-gen schemas/ -o myproj/contracts --watch

\b
  Your own declarations, and those of another team:
    microagent-gen schemas/ https://example.org/shared.json -o myproj/contracts

\b
  Configured in pyproject.toml, and from then on just 'microagent-gen':
    [tool.microagent-gen]
    sources = ["schemas"]
    output = "myproj/contracts"

\b
  Record the declarations for services that load them at run time; compare in CI:
    microagent-gen schemas/ --lock contracts.lock
    microagent-gen schemas/ --lock contracts.lock --check

\b
  In CI, fail when a change of the declarations breaks running services or queued messages:
    microagent-gen schemas/ --against git:main

\b
  For other languages and tools:
    microagent-gen schemas/ --asyncapi asyncapi.json --json-schema json-schemas/

\b
  What checks each keyword of a payload: its type, msgspec, jsonschema or nothing:
    microagent-gen schemas/ --explain user_created

\b
  The JSON Schema of declaration files, for an editor that checks and completes them:
    microagent-gen --print-schema > declarations.schema.json

\b
  Completion of options and paths, in ~/.bashrc (or zsh_source, fish_source):
    eval "$(_MICROAGENT_GEN_COMPLETE=bash_source microagent-gen)"

\b
Exit status: 0 on success; 1 if a source is wrong, --check finds a difference
or --against a breaking change; 2 if the command line or pyproject.toml is wrong.
NO_COLOR and FORCE_COLOR turn colours off and on.
"""


def _complete_folder(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="dir")]


class _OutputPath(click.Path):
    """A path to write to; an empty one, which would mean the working directory, is refused."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        if not str(value):
            self.fail("the path is empty: name one, or '.' for the working directory", param, ctx)
        return super().convert(value, param, ctx)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=EXAMPLES)
@click.argument("sources", nargs=-1, metavar="[SOURCES]...", type=click.Path())
@click.option(
    "-o",
    "--output",
    "folder",
    type=_OutputPath(path_type=Path),
    metavar="DIR",
    help="Write a Python package.",
    shell_complete=_complete_folder,
)
@click.option(
    "--lock",
    type=_OutputPath(allow_dash=True),
    metavar="FILE",
    help="Write a lock file: fingerprints of all declarations, digests of sources from URLs.",
)
@click.option(
    "--against", metavar="OLD", help="Find breaking changes since OLD: a file, folder, URL or git:REV[:PATH]."
)
@click.option("--mode", type=click.Choice(list(MODES)), help="With --against: whom a change must not break.")
@click.option("--allow", multiple=True, metavar="RULE", help="With --against: allow changes that break RULE.")
@click.option("--formats", is_flag=True, help="With --against: take 'format' for a constraint, as formats=True does.")
@click.option("--format", "style", type=click.Choice(STYLES), help="With --against: how findings are printed.")
@click.option(
    "--asyncapi",
    type=_OutputPath(allow_dash=True),
    metavar="FILE",
    help="Write an AsyncAPI 3.0 document.",
)
@click.option(
    "--json-schema",
    "schemas",
    type=_OutputPath(path_type=Path),
    metavar="DIR",
    help="Write a JSON Schema for each payload and answer.",
    shell_complete=_complete_folder,
)
@click.option("--check", is_flag=True, help="Write nothing; show what is out of date as a diff.")
@click.option("--watch", is_flag=True, help="Keep running, and regenerate when a source or pyproject.toml changes.")
@click.option("--explain", metavar="NAME", help="Show what checks each schema keyword of the signal or queue NAME.")
@click.option("--print-schema", is_flag=True, help="Print the JSON Schema of declaration files, for editors.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
@click.version_option(package_name="microagent", prog_name="microagent-gen")
@click.pass_context
def main(
    context: click.Context,
    *,
    sources: tuple[str, ...],
    folder: Path | None,
    lock: str | None,
    against: str | None,
    mode: Mode | None,
    allow: tuple[str, ...],
    formats: bool,
    style: str | None,
    asyncapi: str | None,
    schemas: Path | None,
    check: bool,
    watch: bool,
    explain: str | None,
    print_schema: bool,
    quiet: bool,
) -> None:
    """
    Generate typed Python from declarations of signals and queues.

    SOURCES are JSON files, folders (their own *.json files, not those of subfolders) or URLs (https://, http://,
    file://), each a document of declarations or of AsyncAPI 3. The package in DIR imports only microagent and the
    standard library; other files in DIR are left alone.

    Sources and outputs that are not given are taken from [tool.microagent-gen] in the nearest pyproject.toml.
    --against alone writes nothing; with an output, it is written only if nothing breaks.
    """
    context.color = are_wanted(os.environ)
    _accept_any_text()
    outputs = Outputs(folder, lock, asyncapi, schemas)
    if against is None and (mode or allow or formats or style):
        raise click.UsageError("--mode, --allow, --formats and --format need --against OLD")
    given = {"--check": check, "--watch": watch, "--against": against is not None, "--explain": explain is not None}
    check_combination({option for option, is_given in given.items() if is_given}, outputs)
    if print_schema and (sources or outputs or any(given.values())):
        raise click.UsageError("--print-schema cannot be combined with sources or other options")
    if print_schema:
        _print_schema()
    elif explain is not None:
        _explain(job_of(sources, outputs, needs_output=False), explain, quiet)
    elif against is not None:
        comparison = comparison_of(against, mode, allow, formats=formats)
        _compare(job_of(sources, outputs, needs_output=check), comparison, style, check, quiet)
    elif watch:
        _watch(sources, outputs, quiet)
    else:
        _run_once(job_of(sources, outputs), check, quiet)


def _accept_any_text() -> None:
    """Escape what the encoding of the terminal lacks: file names and declarations may hold any character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


# -- commands


def _print_schema() -> None:
    from microagent.schemas.declarationformat import format_text

    click.echo(format_text(), nl=False)


def _explain(job: Job, name: str, quiet: bool) -> None:
    from microagent_gen.explaining import UnknownName, explanation

    collection = collect(job.sources)
    if collection.problems:
        _fail(collection.problems)
    if not quiet:
        _print_remarks(collection)
    try:
        lines = list(explanation(collection, name))
    except UnknownName as exc:
        raise click.UsageError(f"--explain: {exc}") from exc
    for line in lines:
        click.echo(line)


def _run_once(job: Job, check: bool, quiet: bool) -> None:
    try:
        _run(job, check, quiet)
    except Failure as exc:
        _fail(exc.problems)


def _compare(job: Job, comparison: "Comparison", style: str | None, check: bool, quiet: bool) -> None:
    """Print what breaks; then check the outputs, or write them if nothing breaks."""
    from microagent_gen.against import compare  # with jsonschema, which is slow to import
    from microagent_gen.reports import FORMATS

    try:
        collection = collect(job.sources)
        if collection.problems:
            raise Failure(collection.problems)
        report = compare(comparison, job.sources, collection)
    except ConfigurationError as exc:
        raise click.UsageError(str(exc)) from exc
    except RecursionError:
        _fail(["a schema is nested too deeply to be compared"])
    except Failure as exc:
        _fail(exc.problems)
    for note in () if quiet else report.notes:
        click.echo(colours.note(note), err=True)
    if report.breaking or style == "json" or not quiet:
        click.echo(FORMATS[style or STYLES[0]](report), nl=False)
    if job.outputs and (check or not report.breaking):
        _run_once(job, check, quiet)
    elif not quiet:
        _print_remarks(collection)
    if report.breaking:
        if job.outputs and not check:
            _print_problems(["nothing was written, because of these breaking changes"])
        sys.exit(1)


def _watch(sources: tuple[str, ...], outputs: Outputs, quiet: bool) -> None:
    gc.enable()
    job = job_of(sources, outputs)
    if all(map(is_url, job.sources)):
        raise click.UsageError("--watch needs files or folders: changes behind URLs cannot be seen")
    referenced = collect(job.sources).referenced
    try:
        for _ in changes(lambda: _watched(sources, referenced)):
            try:
                _run(job_of(sources, outputs), False, quiet, referenced)
            except click.UsageError as exc:
                _print_problems([exc.message])
            except Failure as exc:
                _print_problems(exc.problems)
    except KeyboardInterrupt:
        pass  # the way to end it


def _watched(sources: tuple[str, ...], referenced: Iterable[Path]) -> Snapshot:
    """The state of every file that may hold the configuration, of the sources, and of the files they refer to."""
    folder = Path.cwd()
    with suppress(ConfigurationError):  # reported by the run; until it is mended, there are no configured sources
        sources = sources or configuration(folder).sources
    return snapshot([*candidates(folder), *watched_files(sources), *referenced])


def _run(job: Job, check: bool, quiet: bool, referenced: set[Path] | None = None) -> None:
    """
    Generate and write, or check.

    :param referenced: gains the files that the sources refer to
    :raises Failure: if there is nothing to write, it cannot be written, or it is out of date
    """
    collection = collect(job.sources)
    if referenced is not None:
        referenced |= collection.referenced
    if not quiet:
        _print_remarks(collection)
    generated = generate(job.outputs, collection)
    if check:
        _check(generated)
    else:
        apply(generated)
    click.echo(generated.stdout, nl=False)
    if not quiet:
        for plan in generated.plans:
            click.echo(_summary(plan, collection, check), err=bool(generated.stdout))


def _check(generated: Generated) -> None:
    changed = [plan for plan in generated.plans if plan.changes]
    for plan in changed:
        click.echo(colours.difference(diff(plan)), nl=False)
    if changed:
        raise Failure([f"{plan.name} is out of date: run microagent-gen again" for plan in changed])


# -- messages


def _fail(problems: Iterable[str]) -> NoReturn:
    _print_problems(problems)
    sys.exit(1)


def _print_problems(problems: Iterable[str]) -> None:
    for problem in problems:
        click.echo(colours.problem(problem), err=True)


def _print_remarks(collection: Collection) -> None:
    for note in collection.notes:
        click.echo(colours.note(note), err=True)
    for warning in collection.warnings:
        click.echo(colours.warning(f"warning: {warning}"), err=True)


def _summary(plan: Plan, collection: Collection, check: bool) -> str:
    counts = [counted(len(collection.signals), "signal"), counted(len(collection.queues), "queue")]
    if not plan.changes:
        counts.append("up to date" if check else "unchanged")
    if plan.written:
        counts.append(f"{counted(plan.written, 'file')} written")
    if plan.removed:
        counts.append(f"{counted(plan.removed, 'file')} removed")
    return f"{plan.name}: {', '.join(counts)}"
