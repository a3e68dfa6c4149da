"""A pipe that tells child processes when their parent ends, even by SIGKILL."""

from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext


class Lifeline:
    """
    A pipe whose write end only the parent holds, so that its children read end-of-file when the parent ends.

    Created in the parent, and passed to each child as an argument of its process. A forked child inherits the write end
    as well, and closes it with :meth:`hold`.
    """

    def __init__(self, context: BaseContext) -> None:
        reader, writer = context.Pipe(duplex=False)
        self._reader: Connection = reader
        self._writer: Connection | None = writer

    def __getstate__(self) -> tuple[Connection, None]:
        return self._reader, None

    def __setstate__(self, ends: tuple[Connection, None]) -> None:
        self._reader, self._writer = ends

    def hold(self) -> None:
        """Close the write end; the first thing that a child does."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def wait(self) -> None:
        """Block until the parent has ended."""
        wait([self._reader])

    def close(self) -> None:
        """Close both ends; the last thing that the parent does."""
        self.hold()
        self._reader.close()
