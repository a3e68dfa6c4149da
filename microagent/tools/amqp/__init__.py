"""``amqp://`` and ``amqps://``: queues on RabbitMQ."""

from microagent.tools.amqp.broker import AMQPBroker
from microagent.tools.amqp.errors import UnroutableError

__all__ = ["AMQPBroker", "UnroutableError"]
