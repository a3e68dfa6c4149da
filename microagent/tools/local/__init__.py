"""The embedded backend: several processes on one machine, no server."""

from microagent.tools.local.broker import LocalBroker
from microagent.tools.local.bus import LocalSignalBus

__all__ = ["LocalBroker", "LocalSignalBus"]
