"""``kafka://``: queues on Apache Kafka."""

from microagent.extras import needed

with needed(__name__, extra="kafka"):
    from microagent.tools.kafka.broker import KafkaBroker

__all__ = ["KafkaBroker"]
