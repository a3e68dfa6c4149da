"""What a forked child must not keep: it would make its parent look alive after the parent's death."""

import os
from collections.abc import Iterable
from typing import Protocol
from weakref import WeakSet


class Holder(Protocol):
    """Whoever has descriptors whose end says that the process has ended."""

    def descriptors(self) -> Iterable[int]:
        """Those that are open."""
        ...


_holders: WeakSet[Holder] = WeakSet()


def keep_from_children(holder: Holder) -> None:
    """In every child that is forked from now on, the descriptors of ``holder`` lead nowhere."""
    _holders.add(holder)


def _disconnect() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for holder in _holders:
        for descriptor in holder.descriptors():  # replaced and not closed: objects of the parent believe to have them
            os.dup2(nowhere, descriptor, inheritable=False)
    os.close(nowhere)
    _holders.clear()


os.register_at_fork(after_in_child=_disconnect)
