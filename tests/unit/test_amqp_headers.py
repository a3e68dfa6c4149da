"""The header table of RabbitMQ, as handlers get it and as copies carry it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pytest
from aiormq import spec
from aiormq.abc import AbstractChannel, DeliveredMessage
from pamqp.header import ContentHeader

from microagent.errors import ConfigurationError
from microagent.tools.amqp import messages
from microagent.tools.amqp.headers import said
from microagent.tools.amqp.intake import Held


def message(headers: dict[str, Any] | None) -> DeliveredMessage:
    header = ContentHeader(properties=spec.Basic.Properties(headers=headers))
    return DeliveredMessage(spec.Basic.Deliver("c", 1), header, b"{}", cast("AbstractChannel", None))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("ü", "ü"),
        (b"a\xff", "a\ufffd"),
        (bytearray(b"a"), "a"),
        (True, "true"),
        (-5, "-5"),
        (0.5, "0.5"),
        (Decimal("1.50"), "1.50"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
    ],
)
def test_value_is_told_as_a_text(value, text):
    """Whatever its type in AMQP, if it is one value."""
    assert said({"a": value}) == {"a": text}


@pytest.mark.parametrize("value", [None, [], ["a"], {}, {"a": "b"}])
def test_what_is_no_text_is_left_out(value):
    """``amqp.header.properties`` has it."""
    assert said({"a": value, "b": "c"}) == {"b": "c"}


@pytest.mark.parametrize(
    "name",
    [
        "x-microagent-failed",
        "x-microagent-new",
        "x-death",
        "x-first-death-queue",
        "x-last-death-reason",
        "x-delivery-count",
        "CC",
        "BCC",
    ],
)
def test_what_others_wrote_is_not_shown(name):
    """It is not its sender's."""
    assert said({name: "a", f"my-{name}": "b"}) == {f"my-{name}": "b"}


def test_headers_are_read_when_they_are_asked_for():
    """A message is not looked at before."""
    held = Held(cast("Any", None), message({"trace": "a"}), 1)
    delivery = messages.delivery("mailer", held.message, held)
    held.message.header.properties.headers = {"trace": "b"}
    assert delivery.headers == {"trace": "b"}


def test_headers_and_properties_are_sent_together():
    """What is said as ``headers`` counts more; bytes travel as bytes."""
    written = messages.fresh({"priority": 5, "headers": {"a": 1, "b": 2}}, {"b": "3", "c": b"\xff"})
    header = ContentHeader()
    header.unmarshal(bytes(12) + written.data)
    assert header.properties.priority == 5
    assert header.properties.headers == {"a": 1, "b": "3", "c": bytearray(b"\xff")}
    with pytest.raises(ConfigurationError, match="these properties cannot be set"):
        messages.fresh({"headers": "abc"}, {"a": "b"})


def test_copy_says_what_its_sender_said():
    """Names that only begin as the server's do are the sender's, and bytes that are no text survive."""
    old = message({"CC": ["elsewhere"], "CC-mine": "a", "x-deathly": "b", "bytes": b"\xff", "x-death": [{}]})
    copied = messages.retried(old, messages.delivery("mailer", old, None))
    assert copied.headers == {
        "CC-mine": "a",
        "x-deathly": "b",
        "bytes": bytearray(b"\xff"),
        messages.FAILED: 1,
        messages.CRASHES: 0,
    }
    assert messages.bare(copied).headers == {messages.FAILED: 1, messages.CRASHES: 0}
