"""What the sources change in an earlier contract, and whom that breaks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from microagent.compat.contracts import Contract, findings
from microagent.compat.findings import Finding
from microagent.compat.places import place_of
from microagent.compat.rules import Mode
from microagent.errors import ConfigurationError
from microagent.jsontext import Complaint, Document
from microagent.pointers import fragment_steps, pointer_to
from microagent.printable import printable
from microagent.schemas.validation import missing_formats
from microagent_gen.generation import Failure
from microagent_gen.history import PREFIX, Revision
from microagent_gen.renamed import renamed_classes
from microagent_gen.searching import finder
from microagent_gen.sources import Collection, Read, collect, is_missing, is_url

FILE = "file://"


@dataclass(frozen=True, slots=True)
class Question:
    """
    What is asked.

    :ivar old: a file, a folder, an URL, or ``git:REV[:PATH]``
    :ivar allow: rules that may be broken
    :ivar formats: ``format`` refuses values, too
    """

    old: str
    mode: Mode = "full"
    allow: tuple[str, ...] = ()
    formats: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """
    A finding and where it is.

    ``steps`` is None where nothing of it is written any more, ``line`` and ``column`` where the text is not at hand.
    """

    finding: Finding
    source: str
    steps: tuple[str, ...] | None = None
    reason: str = ""
    line: int | None = None
    column: int | None = None

    @property
    def pointer(self) -> str:
        """As JSON Pointers are written."""
        return pointer_to(self.steps or ())

    @property
    def place(self) -> str:
        """As compilers tell it."""
        if self.line is None:
            return f"{self.source} {self.pointer}".rstrip()
        return f"{self.source}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What breaks somebody, in the order of the files, and what would, but is allowed, each with the ``reason``.

    :ivar notes: tell what there was nothing to compare with
    """

    question: Question
    found: list[Placed] = field(default_factory=list[Placed])
    allowed: list[Placed] = field(default_factory=list[Placed])
    notes: list[str] = field(default_factory=list[str])


def compare(question: Question, sources: Sequence[str], new: Collection) -> Answer:
    """
    Compare what was collected with an earlier contract.

    :param sources: where the new one is from; those that are no URLs are looked up in git, if nothing else is named
    :raises ConfigurationError: if there is no such earlier contract, or formats cannot be checked here
    :raises Failure: if something is wrong with it
    """
    if question.formats and (missing := missing_formats()):
        raise ConfigurationError(
            f"formats: nothing here can check {', '.join(missing)}: pip install 'microagent[formats]'"
        )
    paths = [source[len(FILE) :] if source.lower().startswith(FILE) else source for source in sources]
    old = _earlier(question.old, [path for path in paths if not is_url(path)])
    if old.problems:
        raise Failure([f"{question.old} cannot be compared with:", *old.problems])
    answer = Answer(question, notes=old.notes)
    placing = _Placing(old, new)
    found = findings(_contract(old), _contract(new), finder(), formats=question.formats)
    told = [each for each in (*found, *renamed_classes(old, new, found)) if each.breaks(question.mode)]
    for placed in placing.with_lines([placing.placed(finding, question) for finding in told]):
        (answer.allowed if placed.reason else answer.found).append(placed)
    answer.found.sort(key=lambda placed: (placed.source, placed.line or 0, placed.column or 0))
    return answer


def _earlier(old: str, sources: Sequence[str]) -> Collection:
    if not old.startswith(PREFIX):
        if not is_url(old) and is_missing(old):
            raise ConfigurationError(f"--against {printable(old) or repr(old)}: no such file or folder")
        return collect([old])
    revision = Revision.of(old, sources)
    if not revision.paths:
        raise ConfigurationError(
            f"--against {old} needs a path, for all sources are URLs: {PREFIX}{revision.name}:PATH"
        )
    with TemporaryDirectory(prefix="microagent-gen-") as folder:
        taken = revision.extract(Path(folder))
        found = collect(taken.values())
    found.notes = [
        f"{path}: taken for new, {PREFIX}{revision.name} has none" for path in revision.paths if path not in taken
    ]
    spoken = f"{PREFIX}{revision.name}"
    found.problems = [problem.replace(f"{folder}/", f"{spoken}:").replace(folder, spoken) for problem in found.problems]
    return found


def _contract(collection: Collection) -> Contract:
    reserved: dict[Any, set[str]] = {"signal": set(), "queue": set()}
    for read in collection.read.values():
        for kind, names in reserved.items():
            names.update(read.compat.get("reserved", {}).get(f"{kind}s", ()))
    return Contract(collection.signals, collection.queues, {kind: frozenset(reserved[kind]) for kind in reserved})


class _Placing:
    """Where findings are in the files of the new contract."""

    def __init__(self, old: Collection, new: Collection) -> None:
        self._old = old
        self._new = new
        self._documents: dict[str, Document] = {}

    def placed(self, finding: Finding, question: Question) -> Placed:
        origin = finding.origin
        name = origin.source if origin is not None else ""
        if name in self._new.read and origin is not None and not (finding.is_gone and not finding.steps):
            read = self._new.read[name]
            steps = place_of(self._document(name).value, fragment_steps(origin.pointer), finding.steps)
            return Placed(finding, name, steps, self._reason(finding, [read], question))
        label = self._old.read[name].label if name in self._old.read else name
        same = {other: read for other, read in self._new.read.items() if read.label == label}
        reason = self._reason(finding, list((same or self._new.read).values()), question)
        return Placed(finding, next(iter(same), label), None, reason)

    def with_lines(self, found: list[Placed]) -> Iterator[Placed]:
        """The findings with their lines; each text is looked through once."""
        for source in dict.fromkeys(placed.source for placed in found):
            here = [placed for placed in found if placed.source == source]
            written = [placed for placed in here if placed.steps is not None and not _is_of_web(source)]
            yield from (placed for placed in here if placed.steps is None or _is_of_web(source))
            complaints = [Complaint("", placed.steps or (), _is_of_key(placed.finding)) for placed in written]
            places = self._document(source).places(complaints) if written else ()
            for placed, (line, column) in zip(written, places, strict=True):
                yield replace(placed, line=line, column=column)

    def _document(self, name: str) -> Document:
        if name not in self._documents:
            self._documents[name] = Document(self._new.read[name].text)
        return self._documents[name]

    def _reason(self, finding: Finding, read: Sequence[Read], question: Question) -> str:
        """Why it is allowed; nothing if it is not."""
        rule = finding.rule.id
        if rule in question.allow:
            return "--allow"
        said: Iterator[Mapping[str, str]] = (each.compat.get("allow", {}) for each in read)
        return next((each[rule] for each in (finding.allowed, *said) if rule in each), "")


def _is_of_web(source: str) -> bool:
    return is_url(source) and not source.startswith("file:")


def _is_of_key(finding: Finding) -> bool:
    return bool(finding.steps) and not finding.is_gone
