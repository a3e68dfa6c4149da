"""One run of the generator: from the declarations of its sources to files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from microagent.asyncapi import writing as asyncapi
from microagent.asyncapi.writing import GENERATOR, Api
from microagent.errors import MicroAgentError
from microagent.sources.locking import LOCK_MARK, Lock
from microagent_gen.classes import NameConflict
from microagent_gen.model import contract
from microagent_gen.outputs import STDOUT, Outputs
from microagent_gen.plainschemas import SCHEMAS, schema_files
from microagent_gen.projects import project_name
from microagent_gen.render import render
from microagent_gen.sources import Collection
from microagent_gen.writing import OutputError, Plan, compare, compare_file, write


class Failure(MicroAgentError):
    """A run failed; ``problems`` says why, a sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Job:
    """What is generated from which sources."""

    sources: tuple[str, ...]
    outputs: Outputs


@dataclass(frozen=True, slots=True)
class Generated:
    """What has to change on disk, a plan for each output, and the text of the output that goes to ``stdout``."""

    plans: tuple[Plan, ...]
    stdout: str = ""


def generate(outputs: Outputs, collection: Collection) -> Generated:
    """
    Generate the outputs, and compare them with what is on disk. Nothing is written.

    :raises Failure: if the sources have problems, or the place of an output is taken
    """
    if collection.problems:
        raise Failure(collection.problems)
    try:
        plans = list(_folder_plans(outputs, collection))
        texts = dict(_single_files(outputs, collection))
        plans += [compare_file(Path(path), text, mark) for path, (text, mark) in texts.items() if path != STDOUT]
        return Generated(tuple(plans), texts.get(STDOUT, ("", b""))[0])
    except OutputError as exc:
        raise Failure([str(exc)]) from exc
    except NameConflict as exc:
        raise Failure([str(problem) for problem in exc.problems]) from exc
    except OSError as exc:
        raise Failure([f"{exc.filename}: cannot be read: {exc.strerror}"]) from exc
    except RecursionError:
        raise Failure(["a schema is nested too deeply"]) from None
    except SyntaxError as exc:
        place = f"{exc.filename}:{exc.lineno}:{exc.offset}"
        raise Failure([f"{place}: {exc.msg}: this is a bug in microagent-gen, please report it"]) from exc


def apply(generated: Generated) -> None:
    """
    Write what has changed.

    :raises Failure: if the file system refuses; then nothing has changed
    """
    try:
        write(*generated.plans)
    except OSError as exc:
        raise Failure([f"{exc.filename2 or exc.filename}: cannot be written: {exc.strerror}"]) from exc


def _folder_plans(outputs: Outputs, collection: Collection) -> Iterator[Plan]:
    declared = (collection.signals.values(), collection.queues.values(), collection.labels)
    if outputs.folder is not None:
        yield compare(outputs.folder, render(contract(*declared)))
    if outputs.schemas is not None:
        yield compare(outputs.schemas, schema_files(*declared), SCHEMAS)


def _single_files(outputs: Outputs, collection: Collection) -> Iterator[tuple[str, tuple[str, bytes]]]:
    """The text of each output that is one file, by its path, with the mark that every file of its kind begins with."""
    signals, queues = collection.signals.values(), collection.queues.values()
    if outputs.lock:
        yield outputs.lock, (str(Lock.of(signals, queues, collection.remote)), LOCK_MARK)
    if outputs.asyncapi:
        title = project_name(Path.cwd()) or "Signals and queues"
        api = Api(title, GENERATOR, tuple(signals), tuple(queues), collection.compat)
        yield outputs.asyncapi, (asyncapi.text(api), asyncapi.MARK)
