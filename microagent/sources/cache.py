"""Cached documents of the web, for the time when their servers are unreachable."""

import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from microagent.atomic import PRIVATE, write_whole
from microagent.plurals import counted
from microagent.sources.locking import digest
from microagent.sources.refusals import DocumentError

_HEADER = 64 * 1024  # bytes that the first line of a cached document may have


@dataclass(frozen=True, slots=True)
class CachedDocument:
    """A document as it was fetched; ``age`` in seconds."""

    body: bytes
    path: Path
    age: float


class Header(msgspec.Struct):
    """The URL that a document came from, the time of that in seconds since 1970, and the digest of its body."""

    url: str
    time: float
    sha256: str


class CacheEntry:
    """
    The cached document of one URL: a file in a folder, which only its owner can read.

    The file holds a line of JSON, the header, and then the document.
    """

    def __init__(self, folder: str | os.PathLike[str], url: str) -> None:
        self._url = url
        self.path = Path(folder) / f"{digest(url.encode('utf-8', 'surrogatepass'))[:32]}.copy"

    def store(self, body: bytes) -> None:
        """
        Replace the cached document atomically.

        :raises OSError: if the file system refuses; a document that was cached before stays
        """
        header = msgspec.json.encode(Header(self._url, time.time(), digest(body)))
        self.path.parent.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        write_whole(self.path, header + b"\n" + body, PRIVATE)

    def load(self, limit: int) -> CachedDocument:
        """
        The cached document.

        :param limit: bytes that it may have
        :raises DocumentError: if there is none, it is damaged, or others could have written it
        """
        try:
            content = _read(self.path, limit + _HEADER)
        except FileNotFoundError:
            raise DocumentError(f"{self.path.parent} holds no copy of it") from None
        except OSError as exc:
            raise DocumentError(f"its copy {self.path} cannot be read: {exc.strerror}") from exc
        first, _, body = content.partition(b"\n")
        header = _header(first)
        if header is None or header.url != self._url or header.sha256 != digest(body):
            raise DocumentError(f"its copy {self.path} is damaged")
        if len(body) > limit:
            raise DocumentError(f"its copy {self.path} is larger than {limit} bytes")
        return CachedDocument(body, self.path, max(0.0, time.time() - header.time))


def _read(path: Path, limit: int) -> bytes:
    with open(path, "rb", opener=_open_regular) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise DocumentError(f"its copy {path} is not a regular file")
        if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise DocumentError(f"its copy {path} can be written by other users")
        return file.read(limit + 1)


def _open_regular(path: str, flags: int) -> int:
    """Open a file without following a link, and without blocking, as a named pipe would."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _header(line: bytes) -> Header | None:
    """The header in the first line; None if it is not valid."""
    try:
        return msgspec.json.decode(line, type=Header)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def age_text(age: float) -> str:
    """The age in its largest whole unit: ``3 hours``."""
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if number := int(age // seconds):
            return counted(number, unit)
    return "less than a minute"
