"""A pickled argument of a child process that the child unpickles when it is ready to."""

import pickle
from multiprocessing.reduction import ForkingPickler
from typing import Generic, TypeVar

T = TypeVar("T")


class Deferred(Generic[T]):
    """
    Holds an argument for a child process, pickled until :meth:`load`.

    Unpickling may import modules, which can take long or fail. This way it happens when the child handles signals and
    can log, not while the process starts. A forked child inherits the content and unpickles nothing.
    """

    def __init__(self, content: T) -> None:
        self._content = content
        self._packed: bytes | None = None

    def __getstate__(self) -> bytes:
        return bytes(ForkingPickler.dumps(self._content))

    def __setstate__(self, packed: bytes) -> None:
        self._packed = packed

    def load(self) -> T:
        """
        The content, unpickled on the first call.

        :raises Exception: whatever unpickling raises
        """
        if self._packed is not None:
            self._content, self._packed = pickle.loads(self._packed), None
        return self._content
