"""SIGINT and SIGTERM between marun and the processes of its agents."""

import signal
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})
ONE_WISH = 0.2  # seconds within which signals are one: timeout(1), for example, sends its signal twice


class StopSignals:
    """
    The stop signals that came, as something to wait for beside the sentinels of processes.

    The end of a child wakes the one who waits, too: a sentinel may outlive its process in a grandchild.

    A context manager, for the main thread.

    :ivar wishes: how often it was asked to stop
    """

    def __init__(self) -> None:
        self.wishes = 0
        self._last = float("-inf")

    def __enter__(self) -> Self:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._old_wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._old = {number: signal.signal(number, _noted) for number in (*STOP_SIGNALS, signal.SIGCHLD)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_wakeup)
        self._reader.close()
        self._writer.close()

    def fileno(self) -> int:
        return self._reader.fileno()

    def read(self) -> None:
        """Count what came since the last time."""
        with suppress(BlockingIOError):
            came = STOP_SIGNALS.intersection(self._reader.recv(4096))
            if came and time.monotonic() > self._last + ONE_WISH:
                self.wishes += 1
                self._last = time.monotonic()


def _noted(*_: object) -> None:
    """Its number is in the socket already."""


@contextmanager
def held_back() -> Generator[None]:
    """
    Stop signals to this thread wait until the end of the block.

    A process started within it inherits that, so that none of them comes before the child calls :func:`let_in`.
    """
    old = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


def left_to_parent() -> None:
    """
    Called first by a child: SIGINT is its parent's to handle, because a terminal sends it to both.

    What the parent had set up for itself is dropped. SIGTERM is still held back, until :func:`let_in`.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def let_in() -> None:
    """Called by a child that can handle SIGTERM: what was held back comes now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
