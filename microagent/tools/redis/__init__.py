"""Signals and queues on a Redis server, 6.2 or newer, or on one that speaks the same, such as Valkey."""

from microagent.extras import needed

with needed(__name__, extra="redis"):
    from microagent.tools.redis.broker import RedisBroker
    from microagent.tools.redis.bus import RedisSignalBus

__all__ = ["RedisBroker", "RedisSignalBus"]
