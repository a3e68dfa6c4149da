"""The files beside a source of declarations, and in folders beside it, that it may refer to."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from microagent.errors import LoadingError
from microagent.jsontext import Document, UnreadableError
from microagent.names import shown
from microagent.printable import printable
from microagent.sources.documents import LIMIT, read_source


def siblings_of(source: str, limit: int = LIMIT) -> "Siblings | None":
    """
    The files beside a source; None for an URL, which may refer to no other documents.

    :param limit: bytes that all of these files together may have
    """
    if not source.lower().startswith("file://"):
        return None
    return Siblings(Path(source[len("file://") :]).parent, limit)


_LONGEST = 500  # characters of a path in a message


class NoSiblingError(Exception):
    """A file cannot be read, or must not be; the message says why, and follows the text of the reference."""


@dataclass
class Siblings:
    """
    Reads files below one folder, and no others; each of them once.

    :ivar folder: as the user wrote it, for messages
    :ivar limit: bytes that all further files together may have
    :ivar refusal: why no file may be referred to; empty if any may
    :ivar found: the files that were asked for, existing or not
    """

    folder: Path
    limit: int = LIMIT
    refusal: str = ""
    found: dict[Path, "Document | NoSiblingError"] = field(default_factory=dict[Path, "Document | NoSiblingError"])

    def uri(self, name: str) -> str:
        """The URI of a file of the folder, which relative references are resolved against."""
        return (self._root / name).as_uri()

    def locate(self, uri: str) -> str:
        """
        The path, relative to the folder, of the file that a reference means.

        :raises NoSiblingError: if it is outside the folder
        """
        if self.refusal:
            raise NoSiblingError(self.refusal)
        parts = urlsplit(uri)
        if parts.scheme != "file" or parts.netloc:
            raise NoSiblingError(
                f"is another document: only files below {self.folder} can be referred to, so keep a copy there"
            )
        path = os.path.normpath(unquote(parts.path))
        if "\0" in path:
            raise NoSiblingError(f"is not a valid path: {shown(path)}")
        if not Path(path).is_relative_to(self._root):
            raise NoSiblingError(f"leads out of {self.folder}: only files below it can be referred to")
        return os.path.relpath(path, self._root)

    def document(self, name: str) -> Document:
        """
        The content of a file of the folder.

        :raises NoSiblingError: if it cannot be read, or must not be
        """
        path = self.folder / name
        if path not in self.found:
            try:
                self.found[path] = self._read(name)
            except NoSiblingError as exc:
                self.found[path] = exc
        found = self.found[path]
        if isinstance(found, NoSiblingError):
            raise found
        return found

    @property
    def _root(self) -> Path:
        return Path(os.path.abspath(self.folder))

    def _read(self, name: str) -> Document:
        shown_path = printable(str(self.folder / name)[:_LONGEST])
        real = Path(os.path.realpath(self.folder / name))
        if not real.is_relative_to(os.path.realpath(self.folder)):
            raise NoSiblingError(f"is a link that leads out of {self.folder}")
        try:
            content = read_source(f"file://{real}", limit=self.limit)
            self.limit -= len(content)
            return Document(content)
        except LoadingError as exc:
            raise NoSiblingError(f"cannot be read: {shown_path}: {exc.reason}") from exc
        except UnreadableError as exc:
            place = "" if exc.line is None else f":{exc.line}:{exc.column}"
            raise NoSiblingError(f"cannot be read: {shown_path}{place}: {exc}") from exc
