"""``kafka://``: queues on Apache Kafka."""

from microagent.tools.kafka.broker import KafkaBroker

__all__ = ["KafkaBroker"]
