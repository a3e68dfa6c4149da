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
from microagent_gen.renamed import renamed_classes
from microagent_gen.revisions import PREFIX, Revision
from microagent_gen.searching import finder
from microagent_gen.sources import Collection, SourceText, collect, is_missing, is_url

FILE = "file://"


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    What to compare with, and how.

    :ivar old: the earlier contract: a file, a folder, an URL, or ``git:REV[:PATH]``
    :ivar allow: rules that may be broken
    :ivar formats: whether ``format`` refuses values
    """

    old: str
    mode: Mode = "full"
    allow: tuple[str, ...] = ()
    formats: bool = False


@dataclass(frozen=True, slots=True)
class PlacedFinding:
    """
    A finding and the place to mend it.

    :ivar steps: to the place in the document; None if what the finding is about is no longer written anywhere
    :ivar reason: why it is allowed; empty if it is not
    :ivar line: from 1, as is ``column``; None where there are no ``steps`` or the document came from the web
    """

    finding: Finding
    source: str
    steps: tuple[str, ...] | None = None
    reason: str = ""
    line: int | None = None
    column: int | None = None

    @property
    def pointer(self) -> str:
        """The steps as a JSON Pointer."""
        return pointer_to(self.steps or ())

    @property
    def place(self) -> str:
        """``file:line:column``, or the source and the pointer where no line is known."""
        if self.line is None:
            return f"{self.source} {self.pointer}".rstrip()
        return f"{self.source}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Report:
    """
    The result of a comparison.

    :ivar breaking: the findings that break somebody, in the order of files and lines
    :ivar allowed: those that would, but are allowed
    :ivar notes: what had no earlier counterpart to compare with
    """

    comparison: Comparison
    breaking: list[PlacedFinding] = field(default_factory=list[PlacedFinding])
    allowed: list[PlacedFinding] = field(default_factory=list[PlacedFinding])
    notes: list[str] = field(default_factory=list[str])


def compare(comparison: Comparison, sources: Sequence[str], new: Collection) -> Report:
    """
    Compare the collected declarations with an earlier contract.

    :param sources: the arguments that ``new`` was collected from; a revision without a path means these files
    :raises ConfigurationError: if there is no such earlier contract, or formats cannot be checked here
    :raises Failure: if the earlier contract has problems
    """
    if comparison.formats and (missing := missing_formats()):
        raise ConfigurationError(
            f"formats: nothing here can check {', '.join(missing)}: pip install 'microagent[formats]'"
        )
    paths = [source[len(FILE) :] if source.lower().startswith(FILE) else source for source in sources]
    old = _earlier(comparison.old, [path for path in paths if not is_url(path)])
    if old.problems:
        raise Failure([f"cannot compare with {comparison.old}:", *old.problems])
    report = Report(comparison, notes=old.notes)
    locator = _Locator(old, new)
    found = findings(_contract(old), _contract(new), finder(), formats=comparison.formats)
    relevant = [each for each in (*found, *renamed_classes(old, new, found)) if each.breaks(comparison.mode)]
    for placed in locator.with_lines([locator.placed(finding, comparison) for finding in relevant]):
        (report.allowed if placed.reason else report.breaking).append(placed)
    report.breaking.sort(key=lambda placed: (placed.source, placed.line or 0, placed.column or 0))
    return report


def _earlier(old: str, sources: Sequence[str]) -> Collection:
    if old.startswith(PREFIX):
        return _of_revision(old, sources)
    if not is_url(old) and is_missing(old):
        raise ConfigurationError(f"--against {printable(old) or repr(old)}: no such file or folder")
    return collect([old])


def _of_revision(old: str, sources: Sequence[str]) -> Collection:
    revision = Revision.of(old, sources)
    name = f"{PREFIX}{revision.name}"
    if not revision.paths:
        raise ConfigurationError(f"--against {old} needs a path, because all sources are URLs: {name}:PATH")
    with TemporaryDirectory(prefix="microagent-gen-") as folder:
        extracted = revision.extract(Path(folder))
        found = collect(extracted.values())
    found.notes = [f"{path}: new, {name} does not have it" for path in revision.paths if path not in extracted]
    found.problems = [problem.replace(f"{folder}/", f"{name}:").replace(folder, name) for problem in found.problems]
    return found


def _contract(collection: Collection) -> Contract:
    reserved: dict[Any, set[str]] = {"signal": set(), "queue": set()}
    for text in collection.texts.values():
        for kind, names in reserved.items():
            names.update(text.compat.get("reserved", {}).get(f"{kind}s", ()))
    return Contract(collection.signals, collection.queues, {kind: frozenset(reserved[kind]) for kind in reserved})


class _Locator:
    """Finds the places of findings in the files of the new contract."""

    def __init__(self, old: Collection, new: Collection) -> None:
        self._old = old
        self._new = new
        self._documents: dict[str, Document] = {}

    def placed(self, finding: Finding, comparison: Comparison) -> PlacedFinding:
        origin = finding.origin
        name = origin.source if origin is not None else ""
        if name in self._new.texts and origin is not None and not (finding.is_gone and not finding.steps):
            text = self._new.texts[name]
            steps = place_of(self._document(name).value, fragment_steps(origin.pointer), finding.steps)
            return PlacedFinding(finding, name, steps, _reason(finding, [text], comparison))
        label = self._old.texts[name].label if name in self._old.texts else name
        same = {other: text for other, text in self._new.texts.items() if text.label == label}
        reason = _reason(finding, list((same or self._new.texts).values()), comparison)
        return PlacedFinding(finding, next(iter(same), label), None, reason)

    def with_lines(self, found: list[PlacedFinding]) -> Iterator[PlacedFinding]:
        """The findings with their lines; each document is scanned once."""
        for source in dict.fromkeys(placed.source for placed in found):
            here = [placed for placed in found if placed.source == source]
            written = [placed for placed in here if placed.steps is not None and not _is_remote(source)]
            yield from (placed for placed in here if placed.steps is None or _is_remote(source))
            complaints = [Complaint("", placed.steps or (), _is_about_key(placed.finding)) for placed in written]
            places = self._document(source).places(complaints) if written else ()
            for placed, (line, column) in zip(written, places, strict=True):
                yield replace(placed, line=line, column=column)

    def _document(self, name: str) -> Document:
        if name not in self._documents:
            self._documents[name] = Document(self._new.texts[name].content)
        return self._documents[name]


def _reason(finding: Finding, texts: Sequence[SourceText], comparison: Comparison) -> str:
    """Why a finding is allowed: by the command line, its declaration or its file; empty if it is not."""
    rule = finding.rule.id
    if rule in comparison.allow:
        return "--allow"
    of_files: Iterator[Mapping[str, str]] = (text.compat.get("allow", {}) for text in texts)
    return next((allowed[rule] for allowed in (finding.allowed, *of_files) if rule in allowed), "")


def _is_remote(source: str) -> bool:
    return is_url(source) and not source.startswith("file:")


def _is_about_key(finding: Finding) -> bool:
    return bool(finding.steps) and not finding.is_gone
