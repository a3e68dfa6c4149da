"""The DSN of RabbitMQ, before anything is done with it."""

from typing import Any

import pytest

from microagent import ConfigurationError
from microagent.tools.amqp import AMQPBroker
from microagent.tools.amqp.connecting import HEARTBEAT, address, check_release


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


@pytest.mark.parametrize("version", ["3.9.13", "3.8.2-rc.1", "2.8.4"])
def test_old_server_is_refused(version: str):
    """In one sentence that says how old it is and how new it has to be."""
    with pytest.raises(ConfigurationError) as refusal:
        check_release({"product": "RabbitMQ", "version": version})

    assert str(refusal.value) == f"the server is RabbitMQ {version}, and queues need 3.10 or newer"


@pytest.mark.parametrize(
    "told",
    [
        {"product": "RabbitMQ", "version": "3.10.0"},
        {"product": "RabbitMQ", "version": "4.1.0+alpha"},
        {"product": "LavinMQ", "version": "2.1.0"},
        {"product": "RabbitMQ", "version": 3},
        {"product": "RabbitMQ"},
        {},
    ],
)
def test_every_other_server_gets_a_try(told: dict[str, Any]):
    """Also one that is something else, or does not say how old it is."""
    check_release(told)
