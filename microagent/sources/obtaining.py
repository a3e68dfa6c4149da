"""Get the declarations of a source: from its server, or from the last good copy of what that said."""

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
from microagent.sources.copies import Shelf, spoken
from microagent.sources.documents import LIMIT, TIMEOUT, read_source
from microagent.sources.locking import Lock, checked_digest, digest, plain_url, read_lock, verdict
from microagent.sources.parsing import parse
from microagent.sources.refusals import Refused

Path: TypeAlias = str | os.PathLike[str]

log = logging.getLogger("microagent.loading")


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a source is taken; see ``load_signals``."""

    timeout: float = TIMEOUT
    limit: int = LIMIT
    context: ssl.SSLContext | None = None
    lock: Path | None = None
    sha256: str | None = None
    cache: Path | None = None

    def __post_init__(self) -> None:
        """:raises ConfigurationError: if it leaves no time, or room, or names no file or folder where it has to"""
        duration("timeout", self.timeout)
        count("limit", self.limit)
        for name, named in (("lock", self.lock), ("cache", self.cache)):
            if named is not None:
                path(name, named)


@dataclass(frozen=True, slots=True)
class _Body:
    """What a source says; ``name`` is how messages call it."""

    content: bytes
    name: str
    is_copy: bool = False


def declarations_of(source: str, terms: Terms) -> Declarations:
    """
    What a source declares; its warnings are logged.

    :raises UnreachableError: if its server is away, and there is no copy that will do
    :raises DriftError: if it is not what the terms say
    :raises LoadingError: if it cannot be read, or must not be
    :raises DeclarationError: with every problem of the source
    """
    source = str(source)  # what is a path and no text is refused like the text of it
    pin = None if terms.sha256 is None else checked_digest(terms.sha256)
    lock = None if terms.lock is None else read_lock(terms.lock)
    shelf = _shelf(source, terms)
    body = _obtained(source, terms, shelf)
    if pin is not None and pin != digest(body.content):
        raise DriftError(body.name, f"its sha256 is {digest(body.content)}, not {pin}")
    siblings = siblings_of(source, terms.limit - len(body.content))
    if siblings is not None and pin is not None:
        siblings.refusal = "is another file, and sha256= pins this one alone: lock= is for all of them"
    declarations = parse(body.content, body.name, siblings)
    if lock is not None:
        _check(lock, str(terms.lock), source, body, declarations)
    if shelf is not None and not body.is_copy:
        _keep(shelf, body)
    for warning in declarations.warnings:
        log.warning("%s", warning)
    for note in declarations.notes:
        log.info("%s", note)
    return declarations


def _shelf(source: str, terms: Terms) -> Shelf | None:
    url = plain_url(source)
    return None if terms.cache is None or url is None else Shelf(terms.cache, url)


def _obtained(source: str, terms: Terms, shelf: Shelf | None) -> _Body:
    try:
        content = read_source(source, timeout=terms.timeout, limit=terms.limit, context=terms.context)
    except UnreachableError as away:
        if shelf is None:
            raise
        return _copied(shelf, terms.limit, away)
    return _Body(content, _spoken(source))


def _copied(shelf: Shelf, limit: int, away: UnreachableError) -> _Body:
    try:
        copy = shelf.find(limit)
    except Refused as exc:
        raise UnreachableError(away.source, f"{away.reason}, and {exc}") from away
    log.warning("%s: %s; its copy in %s is used, %s old", away.source, away.reason, copy.path, spoken(copy.age))
    return _Body(copy.body, f"{away.source}, kept in {copy.path}", is_copy=True)


def _spoken(source: str) -> str:
    """How messages call a source: a file by its path, an URL without its password."""
    return source[len("file://") :] if source.lower().startswith("file://") else masked(source)


def _check(lock: Lock, path: str, source: str, body: _Body, declarations: Declarations) -> None:
    found = verdict(lock, source, body.content, declarations)
    if found.faults:
        listed = ", ".join(found.faults)
        advice = f"look at what changed, then record it with: microagent-gen --lock {path}"
        raise DriftError(body.name, f"this is not what {path} records: {listed}; {advice}")
    if found.note:
        log.warning("%s: %s as %s records", body.name, found.note, path)


def _keep(shelf: Shelf, body: _Body) -> None:
    try:
        shelf.keep(body.content)
    except OSError as exc:
        log.warning("%s: no copy is kept in %s: %s", body.name, shelf.path.parent, exc.strerror or exc)
