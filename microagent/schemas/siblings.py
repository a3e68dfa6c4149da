"""Files beside a source of declarations, and in the folders beside it, that its references lead to."""

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
    What is beside a source: the folder of a file; nothing that an URL could lead to.

    :param limit: bytes that all files of it may have
    """
    if not source.lower().startswith("file://"):
        return None
    return Siblings(Path(source[len("file://") :]).parent, limit)


_LONGEST = 500  # characters of a path in a message


class NoSiblingError(Exception):
    """A file cannot be read, or must not be; the message says why."""


@dataclass
class Siblings:
    """
    Reads what is below one folder, and nothing else; each file once.

    :ivar folder: as messages call it
    :ivar limit: bytes that all files together may have
    :ivar refusal: why no reference may lead to any of them, or ""
    :ivar found: the files that were asked for, whether they are there or not
    """

    folder: Path
    limit: int = LIMIT
    refusal: str = ""
    found: dict[Path, "Document | NoSiblingError"] = field(default_factory=dict[Path, "Document | NoSiblingError"])

    def uri(self, name: str) -> str:
        """How references call a file of the folder."""
        return (self._root / name).as_uri()

    def locate(self, uri: str) -> str:
        """
        The file that a reference means, by its path below the folder.

        :raises NoSiblingError: if it is none of the folder's
        """
        if self.refusal:
            raise NoSiblingError(self.refusal)
        parts = urlsplit(uri)
        if parts.scheme != "file" or parts.netloc:
            raise NoSiblingError(
                f"is not here: only files below {self.folder} can be referred to, so keep a copy there"
            )
        path = os.path.normpath(unquote(parts.path))
        if "\0" in path:
            raise NoSiblingError(f"is no path: {shown(path)}")
        if not Path(path).is_relative_to(self._root):
            raise NoSiblingError(f"leads out of {self.folder}: only files below it can be referred to")
        return os.path.relpath(path, self._root)

    def document(self, name: str) -> Document:
        """
        What a file of the folder says.

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
        spoken = printable(str(self.folder / name)[:_LONGEST])
        real = Path(os.path.realpath(self.folder / name))
        if not real.is_relative_to(os.path.realpath(self.folder)):
            raise NoSiblingError(f"is a link that leads out of {self.folder}")
        try:
            content = read_source(f"file://{real}", limit=self.limit)
            self.limit -= len(content)
            return Document(content)
        except LoadingError as exc:
            raise NoSiblingError(f"cannot be read: {spoken}: {exc.reason}") from exc
        except UnreadableError as exc:
            place = "" if exc.line is None else f":{exc.line}:{exc.column}"
            raise NoSiblingError(f"cannot be read: {spoken}{place}: {exc}") from exc
