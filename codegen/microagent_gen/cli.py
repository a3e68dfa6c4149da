"""The command ``microagent-gen``: the only module that prints or exits."""

import gc
import io
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from microagent.colours import are_wanted
from microagent.compat.rules import MODES, RULES, Mode
from microagent.errors import ConfigurationError
from microagent.names import guess, shown
from microagent.plurals import counted
from microagent.printable import printable
from microagent.watching import Snapshot, changes, snapshot
from microagent_gen import colours
from microagent_gen.configuration import TABLE, Configuration, configuration
from microagent_gen.generation import Failure, Job, Todo, carry_out, plan
from microagent_gen.naming import hides_module, is_plain
from microagent_gen.output import Plan, diff
from microagent_gen.outputs import STDOUT, Outputs
from microagent_gen.projects import candidates
from microagent_gen.sources import Collection, collect, is_missing, is_url
from microagent_gen.watching import watched

if TYPE_CHECKING:
    from microagent_gen.against import Question

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
  In CI, fail with a diff when somebody forgot to run it:
    microagent-gen schemas/ -o myproj/contracts --check

\b
  While you write, again whenever a file changes:
    microagent-gen schemas/ -o myproj/contracts --watch

\b
  Your own declarations, and those of another team:
    microagent-gen schemas/ https://example.org/shared.json -o myproj/contracts

\b
  Said once, in pyproject.toml, and from then on just 'microagent-gen':
    [tool.microagent-gen]
    sources = ["schemas"]
    output = "myproj/contracts"

\b
  Record what is declared, for whoever loads it; in CI, compare:
    microagent-gen schemas/ --lock contracts.lock
    microagent-gen schemas/ --lock contracts.lock --check

\b
  In CI, fail when a change of the sources breaks what runs, or waits in queues:
    microagent-gen schemas/ --against git:main

\b
  What other languages and tools understand:
    microagent-gen schemas/ --asyncapi asyncapi.json --json-schema json-schemas/

\b
  Who checks what of a signal or a queue: its type, msgspec, jsonschema or nobody:
    microagent-gen schemas/ --explain user_created

\b
  A schema of declarations, for an editor that checks and completes them:
    microagent-gen --print-schema > declarations.schema.json

\b
  Completion of options and paths, in ~/.bashrc (zsh_source and fish_source likewise):
    eval "$(_MICROAGENT_GEN_COMPLETE=bash_source microagent-gen)"

\b
Exit status: 0 when all is well, 1 when the sources are wrong, --check finds
a difference or --against one that breaks somebody, 2 when the command line or pyproject.toml is wrong.
NO_COLOR and FORCE_COLOR decide about colours where they are set.
"""


def _folders(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="dir")]


class _Place(click.Path):
    """A place to write to, which somebody has to name: an empty one would be the folder where one is."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        if not str(value):
            self.fail("it is empty: say where, or '.' for this folder", param, ctx)
        return super().convert(value, param, ctx)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=EXAMPLES)
@click.argument("sources", nargs=-1, metavar="[SOURCES]...", type=click.Path())
@click.option(
    "-o",
    "--output",
    "folder",
    type=_Place(path_type=Path),
    metavar="DIR",
    help="The package to write.",
    shell_complete=_folders,
)
@click.option(
    "--lock",
    type=_Place(allow_dash=True),
    metavar="FILE",
    help="Record what is declared, and the digest of what came from an URL.",
)
@click.option("--against", metavar="OLD", help="Find what breaks: OLD is a file, folder, URL or git:REV[:PATH].")
@click.option("--mode", type=click.Choice(list(MODES)), help="With --against: whom not to break; full is everybody.")
@click.option("--allow", multiple=True, metavar="RULE", help="With --against: a rule that may be broken.")
@click.option("--formats", is_flag=True, help="With --against: formats refuse values, as with formats=True.")
@click.option("--format", "style", type=click.Choice(STYLES), help="With --against: how findings are told.")
@click.option(
    "--asyncapi",
    type=_Place(allow_dash=True),
    metavar="FILE",
    help="Write an AsyncAPI 3.0 document of the declarations.",
)
@click.option(
    "--json-schema",
    "schemas",
    type=_Place(path_type=Path),
    metavar="DIR",
    help="Write a JSON Schema for each payload, for other languages.",
    shell_complete=_folders,
)
@click.option("--check", is_flag=True, help="Write nothing; show what differs from what would be written.")
@click.option("--watch", is_flag=True, help="Stay, and write again whenever a source or pyproject.toml changes.")
@click.option(
    "--explain", metavar="NAME", help="Tell who checks each keyword of a signal or queue: type, run time or nobody."
)
@click.option("--print-schema", is_flag=True, help="Print the JSON Schema of the sources, for editors.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
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
    Typed Python from declarations of signals and queues.

    SOURCES are JSON files, folders (their own *.json files) or URLs (https://, http://, file://), of declarations or of
    AsyncAPI 3. DIR becomes a package that imports only microagent and the standard library; files in it that were not
    generated are left alone. What is not said here is looked up in [tool.microagent-gen] of the nearest pyproject.toml.
    With --against and without an output, nothing is written; with both, only if nothing breaks.
    """
    context.color = are_wanted(os.environ)
    _accept_any_text()
    outputs = Outputs(folder, lock, asyncapi, schemas)
    if against is None and (mode or allow or formats or style):
        raise click.UsageError("--mode, --allow, --formats and --format are for --against OLD")
    asked = {"--check": check, "--watch": watch, "--against": against is not None, "--explain": explain is not None}
    _check_company({option for option, is_given in asked.items() if is_given}, outputs)
    if print_schema and (sources or outputs or any(asked.values())):
        raise click.UsageError("--print-schema stands alone: it prints the same whatever the sources are")
    if print_schema:
        _print_schema()
    elif explain is not None:
        _explain(_job(sources, outputs, is_comparison=True), explain, quiet)
    elif against is not None:
        question = _question(against, mode, allow, formats=formats)
        _compare(_job(sources, outputs, is_comparison=not check), question, style, check, quiet)
    elif watch:
        _watch(sources, outputs, quiet)
    else:
        _run_once(_job(sources, outputs), check, quiet)


def _check_company(asked: set[str], outputs: Outputs) -> None:
    """Which options exclude each other."""
    for company in ({"--check", "--watch"}, {"--against", "--watch"}):
        if company <= asked:
            raise click.UsageError(f"{' and '.join(sorted(company))} exclude each other")
    if STDOUT in outputs.files and (writing := sorted(asked & {"--check", "--watch"})):
        raise click.UsageError(f"{writing[0]} is for files, not for the standard output")
    if "--explain" in asked and (outputs or len(asked) > 1):
        raise click.UsageError("--explain stands alone: it writes nothing")


def _accept_any_text() -> None:
    """File names and declarations may hold what the terminal cannot show."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _print_schema() -> None:
    from microagent.schemas.declarationformat import format_text

    click.echo(format_text(), nl=False)


# -- what is asked for


def _configured() -> Configuration:
    try:
        return configuration(Path.cwd())
    except ConfigurationError as exc:
        raise click.UsageError(str(exc)) from exc


def _question(old: str, mode: Mode | None, allow: tuple[str, ...], *, formats: bool) -> "Question":
    from microagent_gen.against import Question  # with jsonschema, which is slow to import

    for rule in allow:
        if rule not in RULES:
            raise click.UsageError(f"--allow: there is no rule {shown(rule)}{guess(rule, RULES)}")
    found = _configured()
    return Question(old, mode or found.mode or "full", (*allow, *found.allow), formats or found.formats)


def _job(sources: tuple[str, ...], outputs: Outputs, *, is_comparison: bool = False) -> Job:
    """What the command line says; where it says nothing, the configuration."""
    if not (sources and (outputs or is_comparison)):
        found = _configured()
        sources, outputs = sources or found.sources, outputs if is_comparison else outputs or found.outputs
    if not sources:
        raise click.UsageError(f"name at least one file, folder or URL, here or as sources of [{TABLE}]")
    if not outputs and not is_comparison:
        raise click.UsageError(f"say with -o DIR where the package goes, or with output of [{TABLE}]")
    _check_outputs(outputs)
    if unknown := [source for source in sources if "://" in source and not is_url(source)]:
        raise click.UsageError(f"only http, https and file are read from: {', '.join(unknown)}")
    if missing := [source for source in sources if not is_url(source) and is_missing(source)]:
        raise click.UsageError(
            f"no such file or folder: {', '.join(printable(name) or repr(name) for name in missing)}"
        )
    if sources_too := [str(place) for place in outputs.places if _is_source(place, sources)]:
        raise click.UsageError(f"{', '.join(sources_too)} would be one of the sources: choose another folder")
    return Job(sources, outputs)


def _is_source(place: Path, sources: Iterable[str]) -> bool:
    """Whether what is written there would be read the next time."""
    named = [Path(source).resolve() for source in sources if not is_url(source)]
    return place.resolve() in named or (place.suffix == ".json" and place.resolve().parent in named)


def _check_outputs(outputs: Outputs) -> None:
    if str(outputs.schemas) == STDOUT:
        raise click.UsageError("--json-schema writes a folder, which cannot go to the standard output")
    if (folder := outputs.folder) is not None:
        if folder.is_file():
            raise click.UsageError(f"-o {folder} is a file; it must be a folder")
        _check_name(folder)
    if outputs.schemas is not None and outputs.schemas.is_file():
        raise click.UsageError(f"--json-schema {outputs.schemas} is a file; it must be a folder")
    if (doubled := outputs.doubled) is not None:
        raise click.UsageError(f"only one thing can go to {doubled}")


def _check_name(folder: Path) -> None:
    place = folder.resolve()
    if not is_plain(place.name):
        raise click.UsageError(f"-o {folder}: {place.name!r} is no name that Python could import")
    if hides_module(place.name) and not (place.parent / "__init__.py").exists():
        raise click.UsageError(
            f"-o {folder}: {place.name!r} would take the place of the module of this name: "
            "choose another name, or a folder inside a package"
        )


# -- what is done


def _explain(job: Job, name: str, quiet: bool) -> None:
    from microagent_gen.explaining import UnknownName, explanation

    collection = collect(job.sources)
    if collection.problems:
        _tell(collection.problems)
        sys.exit(1)
    if not quiet:
        _report(collection)
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
        _tell(exc.problems)
        sys.exit(1)


def _compare(job: Job, question: "Question", style: str | None, check: bool, quiet: bool) -> None:
    """Tell what breaks; then check what else is asked for, or write it, if nothing breaks."""
    from microagent_gen.against import compare  # with jsonschema, which is slow to import
    from microagent_gen.reports import FORMATS

    try:
        collection = collect(job.sources)
        if collection.problems:
            raise Failure(collection.problems)
        answer = compare(question, job.sources, collection)
    except ConfigurationError as exc:
        raise click.UsageError(str(exc)) from exc
    except RecursionError:
        _tell(["a schema is nested too deeply to be compared"])
        sys.exit(1)
    except Failure as exc:
        _tell(exc.problems)
        sys.exit(1)
    for note in () if quiet else answer.notes:
        click.echo(colours.note(note), err=True)
    if answer.found or style == "json" or not quiet:
        click.echo(FORMATS[style or STYLES[0]](answer), nl=False)
    if job.outputs and (check or not answer.found):
        _run_once(job, check, quiet)
    elif not quiet:
        _report(collection)
    if answer.found:
        if job.outputs and not check:
            _tell(["nothing is written, because of what would break"])
        sys.exit(1)


def _watch(sources: tuple[str, ...], outputs: Outputs, quiet: bool) -> None:
    gc.enable()
    job = _job(sources, outputs)
    if all(map(is_url, job.sources)):
        raise click.UsageError("--watch sees files and folders change, not URLs")
    referred = collect(job.sources).referred
    try:
        for _ in changes(lambda: _seen(sources, referred)):
            try:
                _run(_job(sources, outputs), False, quiet, referred)
            except click.UsageError as exc:
                _tell([exc.message])
            except Failure as exc:
                _tell(exc.problems)
    except KeyboardInterrupt:
        pass  # how one ends it


def _seen(sources: tuple[str, ...], referred: Iterable[Path]) -> Snapshot:
    """What may change: every file that could hold the configuration, the sources of now, and what they refer to."""
    folder = Path.cwd()
    with suppress(ConfigurationError):  # told when it is needed; until it is mended, nothing else counts
        sources = sources or configuration(folder).sources
    return snapshot([*candidates(folder), *watched(sources), *referred])


def _run(job: Job, check: bool, quiet: bool, referred: set[Path] | None = None) -> None:
    collection = collect(job.sources)
    if referred is not None:
        referred |= collection.referred
    if not quiet:
        _report(collection)
    todo = plan(job.outputs, collection)
    if check:
        _show(todo)
    else:
        carry_out(todo)
    click.echo(todo.printed, nl=False)
    if not quiet:
        for each in todo.plans:
            click.echo(_summary(each, collection, check), err=bool(todo.printed))


def _show(todo: Todo) -> None:
    changed = [each for each in todo.plans if each.changes]
    for each in changed:
        click.echo(colours.difference(diff(each)), nl=False)
    if changed:
        raise Failure([f"{each.name} is not what would be written: run microagent-gen again" for each in changed])


# -- what is said


def _tell(problems: Iterable[str]) -> None:
    for problem in problems:
        click.echo(colours.problem(problem), err=True)


def _report(collection: Collection) -> None:
    for note in collection.notes:
        click.echo(colours.note(note), err=True)
    for warning in collection.warnings:
        click.echo(colours.warning(f"warning: {warning}"), err=True)


def _summary(todo: Plan, collection: Collection, check: bool) -> str:
    counts = [counted(len(collection.signals), "signal"), counted(len(collection.queues), "queue")]
    if not todo.changes:
        counts.append("up to date" if check else "unchanged")
    if todo.written:
        counts.append(f"{counted(todo.written, 'file')} written")
    if todo.removed:
        counts.append(f"{counted(todo.removed, 'file')} removed")
    return f"{todo.name}: {', '.join(counts)}"
