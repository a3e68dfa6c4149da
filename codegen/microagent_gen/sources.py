"""The declarations of all sources of a command line, or all that is wrong with them."""

import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit, urlunsplit

from microagent.declarations import Declaration, QueueDeclaration, SignalDeclaration
from microagent.errors import DeclarationError, LoadingError
from microagent.names import guess, shown
from microagent.printable import printable
from microagent.schemas.siblings import Siblings
from microagent.sources.documents import read_source
from microagent.sources.locking import Remote, plain_url
from microagent.sources.parsing import parse

_KINDS = ("signals", "queues")
DECLARED = frozenset({"signals", "queues", "asyncapi"})

_MOST = 64 * 1024 * 1024  # bytes of a file, and of all files of a folder that references lead to

AnyDeclaration = TypeVar("AnyDeclaration", bound=Declaration)


@dataclass(frozen=True, slots=True)
class Source:
    """
    A file or an URL.

    :ivar name: how messages call it, without passwords
    :ivar label: how generated files call it: the same on every machine
    :ivar url: where it is in the web, as a lock file may hold it; None for a file
    """

    name: str
    label: str
    read: Callable[[], bytes]
    siblings: Siblings | None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """The text of a source that declares something, and what it says for comparisons with other contracts."""

    label: str
    text: bytes
    compat: Mapping[str, Any]


@dataclass
class Collection:
    """
    What the sources declare together.

    :ivar remote: the ones of the web
    :ivar notes: tell what was left aside
    :ivar skipped: the note about each file that declares nothing
    :ivar siblings: what is beside the sources of each folder
    """

    signals: dict[str, SignalDeclaration] = field(default_factory=dict[str, SignalDeclaration])
    queues: dict[str, QueueDeclaration] = field(default_factory=dict[str, QueueDeclaration])
    remote: dict[str, Remote] = field(default_factory=dict[str, Remote])
    labels: list[str] = field(default_factory=list[str])
    read: dict[str, Read] = field(default_factory=dict[str, Read])
    problems: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    skipped: dict[str, str] = field(default_factory=dict[str, str])
    siblings: dict[Path, Siblings] = field(default_factory=dict[Path, Siblings])

    @property
    def referred(self) -> set[Path]:
        """The files that references of the sources lead to."""
        return {file for siblings in self.siblings.values() for file in siblings.found}

    @property
    def compat(self) -> dict[str, Any]:
        """What all of them say of what is not declared any more."""
        said = [read.compat for read in self.read.values()]
        allowed = {rule: reason for each in said for rule, reason in each.get("allow", {}).items()}
        reserved = {kind: _united(each.get("reserved", {}).get(kind, ()) for each in said) for kind in _KINDS}
        listed = {kind: names for kind, names in reserved.items() if names}
        return {key: found for key, found in (("allow", allowed), ("reserved", listed)) if found}

    def beside(self, file: Path) -> Siblings:
        """The files beside a source, each of which is read once for all sources."""
        return self.siblings.setdefault(file.parent, Siblings(file.parent, _MOST))


def _united(names: Iterable[Iterable[str]]) -> list[str]:
    return sorted({name for each in names for name in each})


def is_url(argument: str) -> bool:
    """Whether an argument names something to load rather than a path."""
    return argument.lower().startswith(("http://", "https://", "file://"))


def is_missing(path: str) -> bool:
    """Whether there is certainly nothing: what must not be looked at may be there."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return True
    except OSError:
        return False
    return False


def json_files(folder: Path) -> list[Path]:
    """
    The files that a folder stands for: its own, not those of the folders inside; links that lead nowhere too.

    :raises OSError: if nobody can tell
    """
    return [folder / name for name in os.listdir(folder) if name.endswith(".json") and _is_meant(folder / name)]


def _is_meant(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:  # reading it tells why; only what an editor leaves beside a file is none of ours
        return not path.name.startswith(".")


def collect(arguments: Iterable[str]) -> Collection:
    """
    Read and parse every source; what is wrong with one does not hide what is wrong with the next.

    The order of the arguments does not matter.
    """
    collection = Collection()
    sources = [source for argument in arguments for source in _sources(argument, collection)]
    for source in sorted(sources, key=lambda source: (source.label, source.name)):
        _add(source, collection)
    referred = set(map(str, collection.referred))
    collection.notes += [note for name, note in collection.skipped.items() if name not in referred]
    if not collection.labels and not collection.problems:
        collection.problems.append("no signals or queues are declared in what was given")
    return collection


def _sources(argument: str, collection: Collection) -> Iterator[Source]:
    if is_url(argument):
        try:
            yield _url_source(argument, collection)
        except ValueError:
            collection.problems.append(f"{plain_url(argument) or argument}: this is no URL")
    elif os.path.isdir(argument):
        yield from (_file_source(file, collection) for file in _listed(argument, collection))
    else:
        yield _file_source(Path(argument), collection)


def _listed(folder: str, collection: Collection) -> list[Path]:
    try:
        files = json_files(Path(folder))
    except OSError as exc:
        collection.problems.append(f"{folder}: {exc.strerror}")
        return []
    if not files:
        collection.problems.append(f"{folder}: there is no *.json file in this folder")
    return files


def _file_source(path: Path, collection: Collection) -> Source:
    read = partial(read_source, f"file://{path}", limit=_MOST)
    return Source(str(path), path.name, read, collection.beside(path))


def _url_source(url: str, collection: Collection) -> Source:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    shown = urlunsplit((parts.scheme, host, parts.path, "", ""))
    label = parts.path.rpartition("/")[2] if parts.scheme == "file" else shown
    siblings = collection.beside(Path(url[len("file://") :])) if parts.scheme == "file" else None
    return Source(shown, label, partial(read_source, url), siblings, plain_url(url))


def _add(source: Source, collection: Collection) -> None:
    try:
        text = source.read()
        if (reason := _foreign(text)) is not None:
            collection.skipped[source.name] = f"{printable(source.name)}: skipped, {reason}"
            return
        declared = parse(text, source.name, source.siblings)
    except (LoadingError, DeclarationError) as exc:
        collection.problems.append(str(exc))
    else:
        collection.labels.append(source.label)
        collection.read[source.name] = Read(source.label, text, declared.compat)
        if source.url is not None:
            collection.remote[source.url] = Remote.of(text, declared)
        collection.notes += map(str, declared.notes)
        collection.warnings += map(str, declared.warnings)
        _merge(collection.signals, declared.signals, "signal", collection)
        _merge(collection.queues, declared.queues, "queue", collection)


def _foreign(text: bytes) -> str | None:
    """Why a document declares nothing; None if it does, or is none (the parser says why)."""
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    keys = cast("dict[str, object]", content)
    if "asyncapi" in keys and not str(keys["asyncapi"]).startswith("3."):
        return f"AsyncAPI {shown(str(keys['asyncapi']))} is not read, only 3: 'asyncapi convert' makes one of it"
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
