"""How to reach Kafka, from a DSN or said otherwise."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from microagent import ConfigurationError
from microagent.tools.kafka import KafkaBroker
from microagent.tools.kafka.connecting import Address


def options(dsn: str, context: ssl.SSLContext | None = None, **said: str) -> dict[str, Any]:
    return Address(dsn, said, context, None).options()


def test_servers_of_a_cluster():
    """Several, each with a port or Kafka's own."""
    assert options("kafka://a,b:9093,[::1]:9094")["bootstrap_servers"] == ["a:9092", "b:9093", "[::1]:9094"]


@pytest.mark.parametrize(
    ("dsn", "said", "protocol", "mechanism"),
    [
        ("kafka://h", {}, "PLAINTEXT", "PLAIN"),
        ("kafka://u:p@h", {}, "SASL_PLAINTEXT", "PLAIN"),
        ("kafka://h?security_protocol=ssl", {}, "SSL", "PLAIN"),
        ("kafka://u:p@h?security_protocol=SASL_SSL", {}, "SASL_SSL", "PLAIN"),
        ("kafka://u:p@h", {"sasl_mechanism": "scram-sha-256"}, "SASL_PLAINTEXT", "SCRAM-SHA-256"),
        ("kafka://u:p@h?sasl_mechanism=PLAIN", {"sasl_mechanism": "SCRAM-SHA-512"}, "SASL_PLAINTEXT", "SCRAM-SHA-512"),
    ],
)
def test_protocol_is_what_the_rest_says(dsn: str, said: dict[str, str], protocol: str, mechanism: str):
    """A user means SASL; an argument goes before the DSN."""
    made = options(dsn, **said)
    assert (made["security_protocol"], made["sasl_mechanism"]) == (protocol, mechanism)
    assert (made["ssl_context"] is not None) == protocol.endswith("SSL")


def test_context_means_encryption():
    """And is used as it is."""
    context = ssl.create_default_context()
    made = options("kafka://u:p%40@h", context)
    assert (made["security_protocol"], made["ssl_context"]) == ("SASL_SSL", context)
    assert made["sasl_plain_password"] == "p@"


@pytest.mark.parametrize(
    ("dsn", "said", "idempotent"),
    [
        ("kafka://h", {}, True),
        ("kafka://h?idempotent=false", {}, False),
        ("kafka://h?idempotent=false", {"idempotent": "True"}, True),
        ("kafka://h", {"idempotent": "False"}, False),
    ],
)
def test_messages_are_stored_once_unless_the_server_cannot(dsn: str, said: dict[str, str], idempotent: bool):
    """It is said in the DSN, or as an argument, which goes before it."""
    assert Address(dsn, said, None, None).idempotent is idempotent


@pytest.mark.parametrize(
    ("dsn", "problem"),
    [
        ("kafka://", "names no host"),
        ("kafka://a:1,b:2/orders", "Kafka has nothing that the path '/orders' could name"),
        ("kafka://h?security_protocl=SSL", "no option 'security_protocl', did you mean 'security_protocol'"),
        ("kafka://h?security_protocol=TLS", "security_protocol='TLS' has to be one of PLAINTEXT, SSL"),
        ("kafka://h?sasl_mechanism=MD5", "sasl_mechanism='MD5' has to be one of PLAIN, "),
        ("kafka://h?idempotent=maybe", "idempotent='maybe' has to be one of TRUE, FALSE"),
        ("kafka://user@h", "PLAIN needs a user and a password"),
    ],
)
def test_what_cannot_be_understood_is_refused(dsn: str, problem: str):
    """When the broker is made, in one sentence."""
    with pytest.raises(ConfigurationError, match=problem):
        KafkaBroker(dsn)


async def test_certificate_that_is_not_there_is_named(tmp_path: Path):
    """An error of the configuration, not one that is tried again."""
    broker = KafkaBroker("kafka://h", ssl_cafile=str(tmp_path / "none.pem"))
    with pytest.raises(ConfigurationError, match="certificate file cannot be used: No such file"):
        await broker.send("queue", "{}")


def test_password_is_not_shown():
    """Neither by the broker nor by what it says of itself."""
    broker = KafkaBroker("kafka://user:hush@h")
    assert "hush" not in f"{broker!r} {broker._info()}"


@pytest.mark.parametrize("options", [{"partitions": 0}, {"partitions": "3"}, {"group": 1}])
def test_topics_and_groups_are_looked_at_when_the_broker_is_made(options: dict[str, Any]):
    """Not when the first topic is missing."""
    with pytest.raises(ConfigurationError, match=f"^{next(iter(options))}="):
        KafkaBroker("kafka://h", **options)
