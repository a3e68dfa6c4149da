"""Lock files: which declarations there were, and which documents of the web they came from."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, Self, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import msgspec

from microagent.arguments import shown
from microagent.declarations import Declaration, Declarations
from microagent.dsn import masked
from microagent.errors import ConfigurationError, LoadingError
from microagent.sources.documents import read_source

Path: TypeAlias = str | os.PathLike[str]

LOCK_MARK = b'{\n  "queues": {'
"""What every lock file begins with."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Remote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document of the web: the digest of its bytes, and the names that it declares."""

    sha256: str
    signals: list[str]
    queues: list[str]

    @classmethod
    def of(cls, body: bytes, declared: Declarations) -> Self:
        names = ([each.name for each in kind] for kind in (declared.signals, declared.queues))
        return cls(digest(body), *map(sorted, names))


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The fingerprints of declarations by their names, and the documents by their URLs."""

    version: Literal[1] = 1
    signals: dict[str, str] = {}
    queues: dict[str, str] = {}
    remote: dict[str, Remote] = {}

    @classmethod
    def of(cls, signals: Iterable[Declaration], queues: Iterable[Declaration], remote: Mapping[str, Remote]) -> "Lock":
        return cls(signals=_fingerprints(signals), queues=_fingerprints(queues), remote=dict(remote))

    @classmethod
    def parse(cls, text: bytes, name: str) -> "Lock":
        """
        The lock that was written as ``text``.

        :raises LoadingError: if it is none
        """
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as exc:
            raise LoadingError(name, f"this is no lock file that can be read: {exc}") from exc

    def __str__(self) -> str:
        """As it stands in a file: sorted, a line for each declaration, the same bytes for the same declarations."""
        return json.dumps(msgspec.to_builtins(self), indent=2, sort_keys=True) + "\n"

    def differences(self, url: str | None, declared: Declarations) -> list[str]:
        """What a source declares otherwise than it did: ``"signal 'user_created' differs"``."""
        remote = None if url is None else self.remote.get(url)
        return [
            *_differences("signal", self.signals, declared.signals, [] if remote is None else remote.signals),
            *_differences("queue", self.queues, declared.queues, [] if remote is None else remote.queues),
        ]


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What a lock says of a source.

    :ivar faults: why it is refused, if it is
    :ivar note: what is to be said of it all the same
    """

    faults: list[str] = field(default_factory=list[str])
    note: str = ""


def verdict(lock: Lock, source: str, body: bytes, declared: Declarations) -> Verdict:
    """Whether a source is what was locked: whether it declares the same, in whatever words and formatting."""
    url = plain_url(source)
    if url is not None and url not in lock.remote:
        return Verdict(["it is not recorded there"])
    if url is None or lock.remote[url].sha256 != digest(body):
        faults = lock.differences(url, declared)
        note = "" if faults or url is None else "its bytes are others, and what it declares is the same"
        return Verdict(faults, note)
    return Verdict()


def read_lock(path: Path) -> Lock:
    """
    The lock of a file.

    :raises LoadingError: if there is none, or what is there is none
    """
    name = os.fspath(path)
    try:
        text = read_source(f"file://{name}")
    except LoadingError as exc:
        raise LoadingError(name, f"{exc.reason}; microagent-gen --lock {name} would write it") from exc
    return Lock.parse(text, name)


def digest(body: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return sha256(body).hexdigest()


def checked_digest(text: str) -> str:
    """
    A digest as somebody has written it.

    :raises ConfigurationError: if it is none
    """
    if not _DIGEST.fullmatch(lowered := str(text).strip().lower()):
        raise ConfigurationError(f"sha256 is a digest of 64 hexadecimal digits, not {shown(text)}")
    return lowered


def plain_url(source: str) -> str | None:
    """The URL of a source of the web as a file may hold it, without anybody's password; None for other sources."""
    if not source.lower().startswith(("http://", "https://")):
        return None
    try:
        parts = urlsplit(source)
    except ValueError:  # no URL, which is told where it is read
        return masked(source)
    host, query = parts.netloc.rpartition("@")[2].lower(), masked(f"?{parts.query}")[1:]
    return urlunsplit((parts.scheme, host, parts.path or "/", query, ""))


def _fingerprints(declarations: Iterable[Declaration]) -> dict[str, str]:
    return {declaration.name: declaration.fingerprint for declaration in declarations}


def _differences(
    kind: str, locked: Mapping[str, str], declarations: Iterable[Declaration], names: Iterable[str]
) -> Iterator[str]:
    found = _fingerprints(declarations)
    for name in sorted(found.keys() | set(names)):
        if name not in found:
            yield f"{kind} {name!r} is gone"
        elif name not in locked:
            yield f"{kind} {name!r} is new"
        elif locked[name] != found[name]:
            yield f"{kind} {name!r} differs"
