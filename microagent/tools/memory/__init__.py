"""``memory://``: signals and queues inside one process, with the promises of the other backends."""

from microagent.tools.memory.broker import MemoryBroker
from microagent.tools.memory.bus import MemorySignalBus

__all__ = ["MemoryBroker", "MemorySignalBus"]
