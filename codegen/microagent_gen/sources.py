"""The sources of a run: found, read, parsed, and merged into one collection."""

import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit, urlunsplit

from microagent.asyncapi.reading import version_problem
from microagent.declarations import Declaration, QueueDeclaration, SignalDeclaration
from microagent.errors import DeclarationError, LoadingError
from microagent.names import guess
from microagent.printable import printable
from microagent.schemas.siblings import Siblings
from microagent.sources.documents import read_source
from microagent.sources.locking import Remote, plain_url
from microagent.sources.parsing import parse

_KINDS = ("signals", "queues")
DECLARED = frozenset({"signals", "queues", "asyncapi"})

_LIMIT = 64 * 1024 * 1024  # bytes of a file, and of all files of a folder that sources refer to

AnyDeclaration = TypeVar("AnyDeclaration", bound=Declaration)


@dataclass(frozen=True, slots=True)
class Source:
    """
    A file or an URL that may declare something.

    :ivar name: its name in messages, without passwords
    :ivar label: its name in generated files: the same on every machine
    :ivar siblings: the files beside it that it may refer to; None on the web
    :ivar url: its URL as a lock file records it; None for a file
    """

    name: str
    label: str
    read: Callable[[], bytes]
    siblings: Siblings | None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class SourceText:
    """
    The text of a source that declares something.

    :ivar compat: its top-level ``compat``, which guides comparisons with other contracts
    """

    label: str
    content: bytes
    compat: Mapping[str, Any]


@dataclass
class Collection:
    """
    What all sources declare, and what is wrong with them.

    :ivar remote: the sources that came from the web, by their URLs
    :ivar texts: the texts of all sources that declare something, by their names
    :ivar notes: what was left out, and why
    :ivar skipped: a note for each file that declares nothing, by its name
    :ivar siblings: for each folder of sources, the files that these may refer to
    """

    signals: dict[str, SignalDeclaration] = field(default_factory=dict[str, SignalDeclaration])
    queues: dict[str, QueueDeclaration] = field(default_factory=dict[str, QueueDeclaration])
    remote: dict[str, Remote] = field(default_factory=dict[str, Remote])
    labels: list[str] = field(default_factory=list[str])
    texts: dict[str, SourceText] = field(default_factory=dict[str, SourceText])
    problems: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    skipped: dict[str, str] = field(default_factory=dict[str, str])
    siblings: dict[Path, Siblings] = field(default_factory=dict[Path, Siblings])

    @property
    def referenced(self) -> set[Path]:
        """The files that the sources refer to."""
        return {file for siblings in self.siblings.values() for file in siblings.found}

    @property
    def compat(self) -> dict[str, Any]:
        """The top-level ``compat`` of all sources together."""
        listed = [text.compat for text in self.texts.values()]
        allowed = {rule: reason for each in listed for rule, reason in each.get("allow", {}).items()}
        reserved = {
            kind: sorted({name for each in listed for name in each.get("reserved", {}).get(kind, ())})
            for kind in _KINDS
        }
        reserved = {kind: names for kind, names in reserved.items() if names}
        return {key: found for key, found in (("allow", allowed), ("reserved", reserved)) if found}

    def siblings_of(self, file: Path) -> Siblings:
        """The files beside a source: one object for each folder, so that each file is read once."""
        return self.siblings.setdefault(file.parent, Siblings(file.parent, _LIMIT))


def is_url(argument: str) -> bool:
    """Whether an argument is an URL rather than a path."""
    return argument.lower().startswith(("http://", "https://", "file://"))


def is_missing(path: str) -> bool:
    """Whether nothing is there; a path that may not be looked at does not count as missing."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return True
    except OSError:
        return False
    return False


def json_files(folder: Path) -> list[Path]:
    """
    The ``*.json`` files of a folder itself, without those of its subfolders.

    A file that cannot be examined, such as a dangling link, is among them: reading it says what is wrong.

    :raises OSError: if the folder cannot be listed
    """
    return [folder / name for name in os.listdir(folder) if name.endswith(".json") and _is_source(folder / name)]


def _is_source(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:  # Emacs, for one, leaves dangling links with a leading dot beside the files it edits
        return not path.name.startswith(".")


def watched_files(sources: Iterable[str]) -> list[Path]:
    """The files that the sources consist of now; URLs cannot be watched."""
    return [file for source in sources if not is_url(source) for file in _files(Path(source))]


def _files(path: Path) -> list[Path]:
    try:
        return json_files(path)
    except OSError:  # a file, or a folder that cannot be listed
        return [path]


def collect(arguments: Iterable[str]) -> Collection:
    """
    Read and parse every source, and collect the problems of all of them.

    :param arguments: files, folders and URLs; their order does not matter
    """
    collection = Collection()
    sources = [source for argument in arguments for source in _sources(argument, collection)]
    for source in sorted(sources, key=lambda source: (source.label, source.name)):
        _add(source, collection)
    referenced = set(map(str, collection.referenced))
    collection.notes += [note for name, note in collection.skipped.items() if name not in referenced]
    if not collection.labels and not collection.problems:
        collection.problems.append("the sources declare no signals or queues")
    return collection


def _sources(argument: str, collection: Collection) -> Iterator[Source]:
    if is_url(argument):
        try:
            yield _url_source(argument, collection)
        except ValueError:
            collection.problems.append(f"{plain_url(argument) or argument}: not a valid URL")
    elif os.path.isdir(argument):
        yield from (_file_source(file, collection) for file in _folder_files(argument, collection))
    else:
        yield _file_source(Path(argument), collection)


def _folder_files(folder: str, collection: Collection) -> list[Path]:
    try:
        files = json_files(Path(folder))
    except OSError as exc:
        collection.problems.append(f"{folder}: {exc.strerror}")
        return []
    if not files:
        collection.problems.append(f"{folder}: no *.json file in this folder")
    return files


def _file_source(path: Path, collection: Collection) -> Source:
    read = partial(read_source, f"file://{path}", limit=_LIMIT)
    return Source(str(path), path.name, read, collection.siblings_of(path))


def _url_source(url: str, collection: Collection) -> Source:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    name = urlunsplit((parts.scheme, host, parts.path, "", ""))
    label = parts.path.rpartition("/")[2] if parts.scheme == "file" else name
    siblings = collection.siblings_of(Path(url[len("file://") :])) if parts.scheme == "file" else None
    return Source(name, label, partial(read_source, url), siblings, plain_url(url))


def _add(source: Source, collection: Collection) -> None:
    try:
        text = source.read()
        if (reason := _reason_to_skip(text)) is not None:
            collection.skipped[source.name] = f"{printable(source.name)}: skipped, {reason}"
            return
        declared = parse(text, source.name, source.siblings)
    except (LoadingError, DeclarationError) as exc:
        collection.problems.append(str(exc))
    else:
        collection.labels.append(source.label)
        collection.texts[source.name] = SourceText(source.label, text, declared.compat)
        if source.url is not None:
            collection.remote[source.url] = Remote.of(text, declared)
        collection.notes += map(str, declared.notes)
        collection.warnings += map(str, declared.warnings)
        _merge(collection.signals, declared.signals, "signal", collection)
        _merge(collection.queues, declared.queues, "queue", collection)


def _reason_to_skip(text: bytes) -> str | None:
    """Why a JSON document declares nothing; None if it does declare something, or the parser has to judge it."""
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    keys = cast("dict[str, object]", content)
    if "asyncapi" in keys and (problem := version_problem(keys["asyncapi"])) is not None:
        return problem
    if not DECLARED.isdisjoint(keys):
        return None
    hints = dict.fromkeys(hint for key in keys if (hint := guess(key, DECLARED)))
    return f"it has neither signals nor queues{''.join(hints)}"


def _merge(known: dict[str, AnyDeclaration], more: Iterable[AnyDeclaration], kind: str, collection: Collection) -> None:
    for declaration in more:
        first = known.setdefault(declaration.name, declaration)
        if first is not declaration and first.fingerprint != declaration.fingerprint:
            collection.problems.append(_conflict(kind, first, declaration))


def _conflict(kind: str, first: Declaration, second: Declaration) -> str:
    return (
        f"{kind} {first.name!r} is declared twice, differently:\n"
        f"  {_place(first)}: {first.structure()}\n"
        f"  {_place(second)}: {second.structure()}"
    )


def _place(declaration: Declaration) -> str:
    return str(declaration.origin or "").removesuffix(": ")
