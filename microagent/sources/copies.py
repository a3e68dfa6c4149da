"""The last good copy of what came from the web, for the time when its server is away."""

import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from microagent.atomic import PRIVATE, write_whole
from microagent.plurals import counted
from microagent.sources.locking import digest
from microagent.sources.refusals import Refused

_HEADER = 64 * 1024  # bytes that the first line of a copy may have


@dataclass(frozen=True, slots=True)
class Copy:
    """A document as it was got; ``age`` in seconds."""

    body: bytes
    path: Path
    age: float


class Header(msgspec.Struct):
    """Where and when a document came from, in seconds since 1970."""

    url: str
    time: float
    sha256: str


class Shelf:
    """
    The place of the copy of one URL, in a folder; only its owner can read it.

    A copy is the document behind a line of JSON, which says from where and when it came and what its digest is.
    """

    def __init__(self, folder: str | os.PathLike[str], url: str) -> None:
        self._url = url
        self.path = Path(folder) / f"{digest(url.encode('utf-8', 'surrogatepass'))[:32]}.copy"

    def keep(self, body: bytes) -> None:
        """
        Let this be the copy, in one step.

        :raises OSError: if the file system refuses; the copy before, if there is one, stays
        """
        header = msgspec.json.encode(Header(self._url, time.time(), digest(body)))
        self.path.parent.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        write_whole(self.path, header + b"\n" + body, PRIVATE)

    def find(self, limit: int) -> Copy:
        """
        The copy.

        :param limit: bytes that it may have
        :raises Refused: if there is none, or it cannot be trusted
        """
        try:
            content = _read(self.path, limit + _HEADER)
        except FileNotFoundError:
            raise Refused(f"{self.path.parent} holds no copy of it") from None
        except OSError as exc:
            raise Refused(f"its copy {self.path} cannot be read: {exc.strerror}") from exc
        first, _, body = content.partition(b"\n")
        header = _header(first)
        if header is None or header.url != self._url or header.sha256 != digest(body):
            raise Refused(f"its copy {self.path} is damaged")
        if len(body) > limit:
            raise Refused(f"its copy {self.path} is larger than {limit} bytes")
        return Copy(body, self.path, max(0.0, time.time() - header.time))


def _read(path: Path, limit: int) -> bytes:
    with open(path, "rb", opener=_open_itself) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise Refused(f"its copy {path} is no file")
        if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise Refused(f"its copy {path} could be written by others")
        return file.read(limit + 1)


def _open_itself(path: str, flags: int) -> int:
    """Not what a link leads to, and without waiting for the other end of a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _header(line: bytes) -> Header | None:
    """What the first line says; None if it is not one of ours."""
    try:
        return msgspec.json.decode(line, type=Header)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def spoken(age: float) -> str:
    """``3 hours``: the age in the largest unit of which there is one."""
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if number := int(age // seconds):
            return counted(number, unit)
    return "less than a minute"
