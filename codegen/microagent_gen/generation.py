"""One run: from sources to what has to change, or to all that is wrong with them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from microagent.asyncapi import writing as asyncapi
from microagent.asyncapi.writing import GENERATOR, Api
from microagent.errors import MicroAgentError
from microagent.sources.locking import LOCK_MARK, Lock
from microagent_gen.classes import NameConflict
from microagent_gen.model import contract
from microagent_gen.output import OutputError, Plan, compare, compare_file, write
from microagent_gen.outputs import STDOUT, Outputs
from microagent_gen.plainschemas import SCHEMAS, schema_files
from microagent_gen.projects import project_name
from microagent_gen.render import render
from microagent_gen.sources import Collection


class Failure(MicroAgentError):
    """A run that came to nothing; ``problems`` say why, each in a sentence."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Job:
    """What is generated from what."""

    sources: tuple[str, ...]
    outputs: Outputs


@dataclass(frozen=True, slots=True)
class Todo:
    """What has to change in which places, and what is to be printed."""

    plans: tuple[Plan, ...]
    printed: str = ""


def plan(outputs: Outputs, collection: Collection) -> Todo:
    """
    What has to change for all outputs to be those of what was collected.

    :raises Failure: if there are none such, or no place for them
    """
    if collection.problems:
        raise Failure(collection.problems)
    try:
        plans = list(_plans(outputs, collection))
        texts = dict(_texts(outputs, collection))
        plans += [compare_file(Path(path), text, mark) for path, (text, mark) in texts.items() if path != STDOUT]
        return Todo(tuple(plans), texts.get(STDOUT, ("", b""))[0])
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
        raise Failure([f"{place}: {exc.msg}: a defect of microagent-gen, please report it"]) from exc


def carry_out(todo: Todo) -> None:
    """
    Change what has to be changed.

    :raises Failure: if the file system refuses; all is as it was
    """
    try:
        write(*todo.plans)
    except OSError as exc:
        raise Failure([f"{exc.filename2 or exc.filename}: cannot be written: {exc.strerror}"]) from exc


def _plans(outputs: Outputs, collection: Collection) -> Iterator[Plan]:
    declared = (collection.signals.values(), collection.queues.values(), collection.labels)
    if outputs.folder is not None:
        yield compare(outputs.folder, render(contract(*declared)))
    if outputs.schemas is not None:
        yield compare(outputs.schemas, schema_files(*declared), SCHEMAS)


def _texts(outputs: Outputs, collection: Collection) -> Iterator[tuple[str, tuple[str, bytes]]]:
    """The text of each single file, by its path, and what every such file begins with."""
    signals, queues = collection.signals.values(), collection.queues.values()
    if outputs.lock:
        yield outputs.lock, (str(Lock.of(signals, queues, collection.remote)), LOCK_MARK)
    if outputs.asyncapi:
        title = project_name(Path.cwd()) or "Signals and queues"
        api = Api(title, GENERATOR, tuple(signals), tuple(queues), collection.compat)
        yield outputs.asyncapi, (asyncapi.text(api), asyncapi.MARK)
