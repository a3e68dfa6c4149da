"""What tests of every kind use."""

import asyncio
import inspect
import os
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from microagent.delivery import Delivery, Verdict

OUTAGES = [float(seconds) for seconds in os.environ.get("FAULTS_OUTAGES", "10").split()]
LIVE_AGAIN = 5.0  # seconds after the server's return, however long it was away
PATIENCE = 20.0  # seconds until a condition that does not come true is a failure


async def until(condition: Callable[[], Any | Awaitable[Any]], patience: float = PATIENCE) -> None:
    """Return as soon as ``condition()`` (or what it gives to await) is true; fail when it never is."""
    async with asyncio.timeout(patience):
        while True:
            value = condition()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return
            await asyncio.sleep(0.005)


def settled(delivery: Delivery, verdict: Verdict, delay: float = 0.0, reason: str = "") -> Delivery:
    """A delivery on which somebody has decided, and which nobody has told of yet."""
    delivery.verdict, delivery.delay, delivery.reason = verdict, delay, reason
    return delivery


def unique(kind: str) -> str:
    """A name of its own for a signal or queue: all tests share the registry, and may share a server."""
    return f"{kind}_{uuid.uuid4().hex[:12]}"


@contextmanager
def without(package: str) -> Iterator[None]:
    """As if this package were not installed, and nothing that may need it had been imported yet."""
    ours = ("microagent.tools", package)
    imported = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith(ours)}
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.startswith(ours)]:
            del sys.modules[name]
        sys.modules.update(imported)
        for name, module in imported.items():  # a package knows its modules by attributes, too
            parent, _, own = name.rpartition(".")
            if parent:
                setattr(sys.modules[parent], own, module)
