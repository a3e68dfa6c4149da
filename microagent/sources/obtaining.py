"""Load the declarations of a source, checked against a lock or a digest, and with a cache for the web."""

import logging
import os
import ssl
from dataclasses import dataclass
from typing import TypeAlias

from microagent.arguments import count, duration, path
from microagent.declarations import Declarations
from microagent.dsn import masked
from microagent.errors import DriftError, UnreachableError
from microagent.schemas.siblings import siblings_of
from microagent.sources.cache import CacheEntry, age_text
from microagent.sources.documents import LIMIT, TIMEOUT, read_source
from microagent.sources.locking import Lock, checked_digest, digest, plain_url, read_lock, verdict
from microagent.sources.parsing import parse
from microagent.sources.refusals import DocumentError

Path: TypeAlias = str | os.PathLike[str]

log = logging.getLogger("microagent.loading")


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """The options of ``load_signals``, where they are described."""

    timeout: float = TIMEOUT
    limit: int = LIMIT
    context: ssl.SSLContext | None = None
    lock: Path | None = None
    sha256: str | None = None
    cache: Path | None = None

    def __post_init__(self) -> None:
        """:raises ConfigurationError: if one of them is not valid"""
        duration("timeout", self.timeout)
        count("limit", self.limit)
        for name, named in (("lock", self.lock), ("cache", self.cache)):
            if named is not None:
                path(name, named)


@dataclass(frozen=True, slots=True)
class _Body:
    """The content of a source, and its ``name`` in messages."""

    content: bytes
    name: str
    is_copy: bool = False


def declarations_of(source: str, options: LoadOptions) -> Declarations:
    """
    The declarations of a source; its warnings are logged.

    :raises UnreachableError: if the server is unreachable, and no copy can be used
    :raises DriftError: if it differs from the lock or the digest
    :raises LoadingError: if it cannot be read, or must not be
    :raises DeclarationError: with every problem of the source
    """
    source = str(source)  # a pathlib.Path is refused like the same text, because it is not an URL
    pin = None if options.sha256 is None else checked_digest(options.sha256)
    lock = None if options.lock is None else read_lock(options.lock)
    entry = _entry(source, options)
    body = _read(source, options, entry)
    if pin is not None and pin != digest(body.content):
        raise DriftError(body.name, f"its sha256 is {digest(body.content)}, not {pin}")
    siblings = siblings_of(source, options.limit - len(body.content))
    if siblings is not None and pin is not None:
        siblings.refusal = "is another file, but sha256= pins only this one: use lock= for all of them"
    declarations = parse(body.content, body.name, siblings)
    if lock is not None:
        _check(lock, str(options.lock), source, body, declarations)
    if entry is not None and not body.is_copy:
        _store(entry, body)
    for warning in declarations.warnings:
        log.warning("%s", warning)
    for note in declarations.notes:
        log.info("%s", note)
    return declarations


def _entry(source: str, options: LoadOptions) -> CacheEntry | None:
    url = plain_url(source)
    return None if options.cache is None or url is None else CacheEntry(options.cache, url)


def _read(source: str, options: LoadOptions, entry: CacheEntry | None) -> _Body:
    try:
        content = read_source(source, timeout=options.timeout, limit=options.limit, context=options.context)
    except UnreachableError as away:
        if entry is None:
            raise
        return _cached(entry, options.limit, away)
    return _Body(content, _name(source))


def _cached(entry: CacheEntry, limit: int, away: UnreachableError) -> _Body:
    try:
        copy = entry.load(limit)
    except DocumentError as exc:
        raise UnreachableError(away.source, f"{away.reason}, and {exc}") from away
    log.warning("%s: %s; using its copy in %s, %s old", away.source, away.reason, copy.path, age_text(copy.age))
    return _Body(copy.body, f"{away.source}, kept in {copy.path}", is_copy=True)


def _name(source: str) -> str:
    """The name of a source in messages: the path of a file, an URL without its password."""
    return source[len("file://") :] if source.lower().startswith("file://") else masked(source)


def _check(lock: Lock, path: str, source: str, body: _Body, declarations: Declarations) -> None:
    found = verdict(lock, source, body.content, declarations)
    if found.faults:
        listed = ", ".join(found.faults)
        advice = f"review the change, then record it with: microagent-gen --lock {path}"
        raise DriftError(body.name, f"this differs from what {path} records: {listed}; {advice}")
    if found.note:
        log.warning("%s: %s as recorded in %s", body.name, found.note, path)


def _store(entry: CacheEntry, body: _Body) -> None:
    try:
        entry.store(body.content)
    except OSError as exc:
        log.warning("%s: cannot keep a copy in %s: %s", body.name, entry.path.parent, exc.strerror or exc)
