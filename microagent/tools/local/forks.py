"""Makes a forked child drop the descriptors of its parent, or it would keep the parent looking alive."""

import os
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Protocol
from weakref import WeakSet


class Owner(Protocol):
    """An object with resources that belong to its process alone."""

    def descriptors(self) -> Iterable[int]:
        """The open descriptors that a child has to drop."""
        ...

    def forget(self) -> None:
        """Called in a child: forget the resources, which are the parent's."""


_owners: WeakSet[Owner] = WeakSet()
_forking = threading.RLock()


@contextmanager
def no_fork() -> Generator[None, None, None]:
    """Delay forks until the end of the block: a child would inherit half of its work, and no thread to finish it."""
    with _forking:
        yield


def register_for_forks(owner: Owner) -> None:
    """In forked children, redirect the descriptors of ``owner`` to the null device, and call its ``forget()``."""
    _owners.add(owner)


def _disconnect() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for owner in _owners:
        for descriptor in owner.descriptors():  # replaced, not closed: inherited objects still refer to them
            os.dup2(nowhere, descriptor, inheritable=False)
        owner.forget()
    os.close(nowhere)
    _owners.clear()
    _forking.release()


os.register_at_fork(before=_forking.acquire, after_in_parent=_forking.release, after_in_child=_disconnect)
