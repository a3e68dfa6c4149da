"""What a forked child must not have of its parent: to look alive by, to take part with, or to clear away."""

import os
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Protocol
from weakref import WeakSet


class Holder(Protocol):
    """Whoever has what belongs to its process alone."""

    def descriptors(self) -> Iterable[int]:
        """Those that are open, and whose end says that the process has ended."""
        ...

    def forget(self) -> None:
        """Called in a child: nothing of it is there, and what the parent has is not touched any more."""


_holders: WeakSet[Holder] = WeakSet()
_forking = threading.RLock()


@contextmanager
def no_fork() -> Generator[None, None, None]:
    """No child is forked inside ``with``: it would have half of what is done there, and no thread to do the rest."""
    with _forking:
        yield


def register_for_forks(holder: Holder) -> None:
    """In every child that is forked from now on, the descriptors of ``holder`` lead nowhere, and it forgets them."""
    _holders.add(holder)


def _disconnect() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for holder in _holders:
        for descriptor in holder.descriptors():  # replaced and not closed: objects of the parent believe to have them
            os.dup2(nowhere, descriptor, inheritable=False)
        holder.forget()
    os.close(nowhere)
    _holders.clear()
    _forking.release()


os.register_at_fork(before=_forking.acquire, after_in_parent=_forking.release, after_in_child=_disconnect)
