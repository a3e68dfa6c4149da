"""The DSN of RabbitMQ, before anything is done with it."""

from typing import Any

import pytest

from microagent import ConfigurationError
from microagent.tools.amqp import AMQPBroker
from microagent.tools.amqp.connecting import HEARTBEAT, address


def test_address_has_a_heartbeat():
    """Ours, unless the DSN has its own."""
    assert address("amqp://me:hush@h/v").query["heartbeat"] == str(HEARTBEAT)
    assert address("amqp://h?heartbeat=3&timeout=5&name=me").query["heartbeat"] == "3"


@pytest.mark.parametrize(
    ("dsn", "sentence"),
    [
        ("amqp://", "'amqp://' names no host"),
        ("amqp://h?hartbeat=3", "a DSN of RabbitMQ has no option 'hartbeat', did you mean 'heartbeat'?"),
        ("amqps://h?ca_file=x", "a DSN of RabbitMQ has no option 'ca_file', did you mean 'cafile'?"),
        ("amqp://h?heartbeat=often", "heartbeat='often' of a DSN of RabbitMQ has to be a whole number of seconds"),
    ],
)
def test_what_the_driver_would_not_heed_is_refused(dsn: str, sentence: str):
    """By the constructor, in one sentence."""
    with pytest.raises(ConfigurationError) as refusal:
        AMQPBroker(dsn)

    assert str(refusal.value) == sentence


@pytest.mark.parametrize("options", [{"quorum": "yes"}, {"durable": 1}])
def test_a_queue_is_of_a_kind_or_not(options: dict[str, Any]):
    """Any other answer than True or False is told by the constructor."""
    with pytest.raises(ConfigurationError, match=f"^{next(iter(options))}=.* has to be True or False$"):
        AMQPBroker("amqp://h", **options)
