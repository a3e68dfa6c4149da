"""What the command line asks for, completed from ``pyproject.toml`` and checked before anything is read."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from microagent.compat.rules import RULES, Mode
from microagent.errors import ConfigurationError
from microagent.names import guess, shown
from microagent.printable import printable
from microagent_gen.configuration import TABLE, Configuration, configuration
from microagent_gen.generation import Job
from microagent_gen.naming import hides_module, is_plain
from microagent_gen.outputs import STDOUT, Outputs
from microagent_gen.sources import is_missing, is_url

if TYPE_CHECKING:
    from microagent_gen.against import Comparison


def check_combination(options: set[str], outputs: Outputs) -> None:
    """
    Refuse options that exclude each other.

    :param options: those of ``--check``, ``--watch``, ``--against`` and ``--explain`` that are given
    :raises click.UsageError: if they cannot be combined, or not with these outputs
    """
    for exclusive in ({"--check", "--watch"}, {"--against", "--watch"}):
        if exclusive <= options:
            raise click.UsageError(f"{' and '.join(sorted(exclusive))} exclude each other")
    if STDOUT in outputs.files and (conflicting := sorted(options & {"--check", "--watch"})):
        raise click.UsageError(f"{conflicting[0]} needs output files, not the standard output")
    if "--explain" in options and (outputs or len(options) > 1):
        raise click.UsageError("--explain cannot be combined with other options: it writes nothing")


def job_of(sources: tuple[str, ...], outputs: Outputs, *, needs_output: bool = True) -> Job:
    """
    The sources and outputs of a run: those of the command line, or else those of the configuration.

    :param needs_output: a run without any output makes no sense; otherwise the configured outputs are left aside
    :raises click.UsageError: if something is missing, or cannot be read or written
    """
    if not (sources and (outputs or not needs_output)):
        configured = _configured()
        sources = sources or configured.sources
        outputs = outputs or configured.outputs if needs_output else outputs
    if not sources:
        raise click.UsageError(f"no sources: name a file, folder or URL, or set sources in [{TABLE}]")
    if needs_output and not outputs:
        raise click.UsageError(f"no output: pass -o DIR, or set output in [{TABLE}]")
    _check_outputs(outputs)
    _check_sources(sources, outputs)
    return Job(sources, outputs)


def comparison_of(old: str, mode: Mode | None, allow: tuple[str, ...], *, formats: bool) -> "Comparison":
    """
    The comparison that ``--against`` asks for, completed from the configuration.

    :raises click.UsageError: if there is no such rule, or the configuration cannot be used
    """
    from microagent_gen.against import Comparison  # with jsonschema, which is slow to import

    for rule in allow:
        if rule not in RULES:
            raise click.UsageError(f"--allow: there is no rule {shown(rule)}{guess(rule, RULES)}")
    configured = _configured()
    return Comparison(
        old, mode or configured.mode or "full", (*allow, *configured.allow), formats or configured.formats
    )


def _configured() -> Configuration:
    try:
        return configuration(Path.cwd())
    except ConfigurationError as exc:
        raise click.UsageError(str(exc)) from exc


def _check_sources(sources: Iterable[str], outputs: Outputs) -> None:
    if unsupported := [source for source in sources if "://" in source and not is_url(source)]:
        raise click.UsageError(f"unsupported URL: {', '.join(unsupported)}; use https://, http:// or file://")
    if missing := [source for source in sources if not is_url(source) and is_missing(source)]:
        names = ", ".join(printable(name) or repr(name) for name in missing)
        raise click.UsageError(f"no such file or folder: {names}")
    if also_read := [str(path) for path in outputs.json_paths if _is_read(path, sources)]:
        raise click.UsageError(f"{', '.join(also_read)} would be one of the sources: choose another folder")


def _is_read(path: Path, sources: Iterable[str]) -> bool:
    """Whether the next run would read, as one of its sources, what this one writes to ``path``."""
    named = [Path(source).resolve() for source in sources if not is_url(source)]
    return path.resolve() in named or (path.suffix == ".json" and path.resolve().parent in named)


def _check_outputs(outputs: Outputs) -> None:
    if str(outputs.schemas) == STDOUT:
        raise click.UsageError("--json-schema writes a folder, which cannot go to the standard output")
    if outputs.folder is not None:
        if outputs.folder.is_file():
            raise click.UsageError(f"-o {outputs.folder} is a file; it must be a folder")
        _check_package_name(outputs.folder)
    if outputs.schemas is not None and outputs.schemas.is_file():
        raise click.UsageError(f"--json-schema {outputs.schemas} is a file; it must be a folder")
    if (clash := outputs.clash) is not None:
        raise click.UsageError(f"two outputs would go to {clash}: choose another path for one of them")


def _check_package_name(folder: Path) -> None:
    path = folder.resolve()
    if not is_plain(path.name):
        raise click.UsageError(f"-o {folder}: Python cannot import a package named {path.name!r}: choose another name")
    if hides_module(path.name) and not (path.parent / "__init__.py").exists():
        raise click.UsageError(
            f"-o {folder}: a package named {path.name!r} would hide the module of that name: "
            "choose another name, or a folder inside a package"
        )
