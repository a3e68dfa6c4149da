"""``amqp://`` and ``amqps://``: queues on RabbitMQ."""

from microagent.errors import UnroutableError
from microagent.extras import needed

with needed(__name__, extra="amqp"):
    from microagent.tools.amqp.broker import AMQPBroker

__all__ = ["AMQPBroker", "UnroutableError"]
