"""SIGINT and SIGTERM, as marun and the processes of its agents handle them."""

import signal
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})
DEBOUNCE = 0.2  # seconds within which signals count as one: timeout(1), for example, sends its signal twice


class StopSignals:
    """
    Counts stop signals, and is readable when one arrives: something to wait for together with process sentinels.

    SIGCHLD makes it readable too, because a sentinel stays open while a grandchild holds it. A context manager, for the
    main thread.

    :ivar requests: how many times the process was asked to stop
    """

    def __init__(self) -> None:
        self.requests = 0
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
        """Count the signals that arrived since the last call."""
        with suppress(BlockingIOError):
            came = STOP_SIGNALS.intersection(self._reader.recv(4096))
            if came and time.monotonic() > self._last + DEBOUNCE:
                self.requests += 1
                self._last = time.monotonic()


def _noted(*_: object) -> None:
    """A handler has to be set for the wakeup descriptor to be written to; it need not do anything."""


@contextmanager
def stop_signals_blocked() -> Generator[None]:
    """
    Block stop signals in this thread; they are delivered at the end of the ``with`` block.

    A process started inside it inherits the mask, so that it gets none before it calls :func:`unblock_stop_signals`.
    """
    old = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


def reset_in_child() -> None:
    """
    Undo in a child what the parent set up for itself, and ignore SIGINT.

    A terminal sends SIGINT to the whole group of processes, and the parent decides what it means. SIGTERM stays blocked
    until :func:`unblock_stop_signals`.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def unblock_stop_signals() -> None:
    """Called by a child once it handles SIGTERM: pending stop signals are delivered now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
