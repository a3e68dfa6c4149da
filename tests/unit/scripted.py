"""A bus and a broker in memory whose server does what a test says: fails so often, hangs, refuses, breaks."""

import asyncio
import random
from collections import defaultdict, deque
from typing import Any

from microagent.errors import BackendConnectionError
from microagent.tools.memory import MemoryBroker, MemorySignalBus


class Script:
    """What the operations of a backend are to do next: raise an error, hang, or (by default) work."""

    def __init__(self) -> None:
        self._plans: defaultdict[str, deque[BaseException | str]] = defaultdict(deque)
        self._always: dict[str, Exception] = {}
        self.calls: defaultdict[str, int] = defaultdict(int)
        self.is_away = False
        self._chance: tuple[random.Random, float] | None = None

    def break_at_random(self, share: float, seed: int) -> None:
        """Of all calls, this share finds the server away."""
        self._chance = random.Random(seed), share

    def fail(self, operation: str, *errors: BaseException) -> None:
        """The next calls raise these."""
        self._plans[operation].extend(errors)

    def fail_always(self, operation: str, error: Exception) -> None:
        self._always[operation] = error

    def hang(self, operation: str) -> None:
        """The next call never returns."""
        self._plans[operation].append("hang")

    def mend(self) -> None:
        """From now on, everything works."""
        self._plans.clear()
        self._always.clear()
        self.is_away = False
        self._chance = None

    async def play(self, operation: str) -> None:
        self.calls[operation] += 1
        if self.is_away and operation != "_close":
            raise BackendConnectionError("the server is away")
        if self._chance is not None and operation != "_close" and self._chance[0].random() < self._chance[1]:
            raise BackendConnectionError("the server is away for a moment")
        if operation in self._always:
            raise self._always[operation]
        if self._plans[operation]:
            step = self._plans[operation].popleft()
            if isinstance(step, BaseException):
                raise step
            await asyncio.Event().wait()


def _scripted(cls: type, *operations: str) -> type:
    """A subclass whose operations consult the script first."""

    def replaced(name: str) -> Any:
        async def operation(self: Any, *args: Any) -> Any:
            await self.script.play(name)
            return await getattr(cls, name)(self, *args)

        return operation

    def __init__(self: Any, *args: Any, **options: Any) -> None:  # noqa: N807 - it becomes one
        self.script = Script()
        cls.__init__(self, *args, **options)

    return type(f"Scripted{cls.__name__}", (cls,), {"__init__": __init__} | {n: replaced(n) for n in operations})


ScriptedBroker: Any = _scripted(
    MemoryBroker,
    *("_open", "_close", "_push", "_take", "_wait", "_settle", "_renew", "_maintain"),
    *("_length", "_dead", "_resend", "_discard"),
)
ScriptedBus: Any = _scripted(MemorySignalBus, "_open", "_close", "_publish", "_subscribe", "_unsubscribe", "_receive")
AWAY = BackendConnectionError("the server is away")
