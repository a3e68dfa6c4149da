"""Lock files: the fingerprints of declarations, and the digests of the documents that came from the web."""

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
"""The beginning of every lock file."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Remote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document from the web: the digest of its bytes, and the names that it declares."""

    sha256: str
    signals: list[str]
    queues: list[str]

    @classmethod
    def of(cls, body: bytes, declared: Declarations) -> Self:
        names = ([each.name for each in kind] for kind in (declared.signals, declared.queues))
        return cls(digest(body), *map(sorted, names))


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The content of a lock file: fingerprints by the names of declarations, documents by their URLs."""

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
        Parse a lock file.

        :raises LoadingError: if it is not valid
        """
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as exc:
            raise LoadingError(name, f"not a valid lock file: {exc}") from exc

    def __str__(self) -> str:
        """The text of the file: sorted, a line for each declaration, the same for the same declarations."""
        return json.dumps(msgspec.to_builtins(self), indent=2, sort_keys=True) + "\n"

    def differences(self, url: str | None, declared: Declarations) -> list[str]:
        """How the declarations of a source differ from the locked ones: ``"signal 'user_created' differs"``."""
        remote = None if url is None else self.remote.get(url)
        return [
            *_differences("signal", self.signals, declared.signals, [] if remote is None else remote.signals),
            *_differences("queue", self.queues, declared.queues, [] if remote is None else remote.queues),
        ]


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    The result of checking a source against a lock.

    :ivar faults: why the source is refused; empty if it is not
    :ivar note: a remark about an accepted source
    """

    faults: list[str] = field(default_factory=list[str])
    note: str = ""


def verdict(lock: Lock, source: str, body: bytes, declared: Declarations) -> Verdict:
    """Check a source against a lock: it must declare the same, but formatting and descriptions may differ."""
    url = plain_url(source)
    if url is not None and url not in lock.remote:
        return Verdict(["it is not recorded"])
    if url is None or lock.remote[url].sha256 != digest(body):
        faults = lock.differences(url, declared)
        note = "" if faults or url is None else "its bytes have changed, but it declares the same"
        return Verdict(faults, note)
    return Verdict()


def read_lock(path: Path) -> Lock:
    """
    Read a lock file.

    :raises LoadingError: if it cannot be read, or is not valid
    """
    name = os.fspath(path)
    try:
        text = read_source(f"file://{name}")
    except LoadingError as exc:
        raise LoadingError(name, f"{exc.reason}; write it with: microagent-gen --lock {name}") from exc
    return Lock.parse(text, name)


def digest(body: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return sha256(body).hexdigest()


def checked_digest(text: str) -> str:
    """
    Normalise a digest that somebody wrote.

    :raises ConfigurationError: if it is not a SHA-256 digest
    """
    if not _DIGEST.fullmatch(lowered := str(text).strip().lower()):
        raise ConfigurationError(f"sha256 must be a digest of 64 hexadecimal digits, not {shown(text)}")
    return lowered


def plain_url(source: str) -> str | None:
    """The normalised URL of a source from the web, without passwords; None for other sources."""
    if not source.lower().startswith(("http://", "https://")):
        return None
    try:
        parts = urlsplit(source)
    except ValueError:  # reported when it is read
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
