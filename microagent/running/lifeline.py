"""A pipe by which child processes notice the end of their parent, however it came."""

from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext


class Lifeline:
    """
    Only the parent holds its write end, so a child sees it end when the parent does, also by SIGKILL.

    Made in the parent and given to each child as an argument of its process. A child that was forked has inherited the
    write end too, and drops it by :meth:`hold`.
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
        """Called first by a child: keep its own end only."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def wait(self) -> None:
        """Return when the parent is gone."""
        wait([self._reader])

    def close(self) -> None:
        """Called last by the parent."""
        self.hold()
        self._reader.close()
