"""What a child process is given, to be unpacked when it wants it and not while it is being born."""

import pickle
from multiprocessing.reduction import ForkingPickler
from typing import Generic, TypeVar

T = TypeVar("T")


class Parcel(Generic[T]):
    """
    Unpacking may import modules, which can take long or fail; a child does it once it can be stopped and can log.

    A child that was forked has the content itself.
    """

    def __init__(self, content: T) -> None:
        self._content = content
        self._packed: bytes | None = None

    def __getstate__(self) -> bytes:
        return bytes(ForkingPickler.dumps(self._content))

    def __setstate__(self, packed: bytes) -> None:
        self._packed = packed

    def open(self) -> T:
        """
        The content.

        :raises Exception: whatever its unpacking raises
        """
        if self._packed is not None:
            self._content, self._packed = pickle.loads(self._packed), None
        return self._content
