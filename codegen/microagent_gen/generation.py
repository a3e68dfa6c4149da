"""One run: from sources to what has to change, or to all that is wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from microagent.errors import MicroAgentError
from microagent_gen.model import contract
from microagent_gen.output import OutputError, Plan, compare, write
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
    folder: Path


def plan(folder: Path, collection: Collection) -> Plan:
    """
    What has to change for the folder to hold the package of what was collected.

    :raises Failure: if there is no such package, or no place for it
    """
    if collection.problems:
        raise Failure(collection.problems)
    try:
        model = contract(collection.signals.values(), collection.queues.values(), collection.labels)
        return compare(folder, render(model))
    except OutputError as exc:
        raise Failure([str(exc)]) from exc
    except OSError as exc:
        raise Failure([f"{exc.filename}: cannot be read: {exc.strerror}"]) from exc
    except RecursionError:
        raise Failure(["a schema is nested too deeply"]) from None
    except SyntaxError as exc:
        place = f"{exc.filename}:{exc.lineno}:{exc.offset}"
        raise Failure([f"{place}: {exc.msg}: a defect of microagent-gen, please report it"]) from exc


def carry_out(todo: Plan) -> None:
    """
    Change the folder.

    :raises Failure: if the file system refuses; the folder is as it was
    """
    try:
        write(todo)
    except OSError as exc:
        raise Failure([f"{exc.filename}: cannot be written: {exc.strerror}"]) from exc
