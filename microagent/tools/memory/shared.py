"""Objects that buses or brokers with the same DSN share."""

import weakref
from collections.abc import Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")

_shared: "weakref.WeakValueDictionary[tuple[Callable[[], Any], str], Any]" = weakref.WeakValueDictionary()


def shared(make: Callable[[], T], dsn: str) -> T:
    """
    The object that all of ``dsn`` share, as long as one of them holds it.

    :param make: creates it, if there is none yet; each ``make`` has objects of its own
    :param dsn: ``memory://name``; the object of ``memory://`` is always a new one
    """
    name = dsn.partition("://")[2]
    if not name:
        return make()
    found = _shared.get((make, name))
    if found is None:
        found = _shared[make, name] = make()
    return cast("T", found)
