"""A message of RabbitMQ that is read when somebody asks, and then says what the driver's would."""

from datetime import UTC, datetime
from typing import cast

import pytest
from aiormq import spec
from aiormq.abc import AbstractChannel, DeliveredMessage
from amqp_frames import delivered, payload
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microagent.delivery import Delivery
from microagent.tools.amqp import messages
from microagent.tools.amqp.arrived import Arrived
from microagent.tools.amqp.intake import Held, Intake

CHANNEL = cast("AbstractChannel", None)
TEXT = st.sampled_from(["", "x", "ü" * 20])
PROPERTIES = {
    "content_type": TEXT,
    "content_encoding": TEXT,
    "headers": st.dictionaries(TEXT.filter(bool), st.integers(0, 9), max_size=2),
    "delivery_mode": st.sampled_from([1, 2]),
    "priority": st.integers(0, 9),
    "correlation_id": TEXT,
    "reply_to": TEXT,
    "expiration": TEXT,
    "message_id": TEXT,
    "timestamp": st.just(datetime(2026, 1, 1, tzinfo=UTC)),
    "message_type": TEXT,
    "user_id": TEXT,
    "app_id": TEXT,
}


def arrived(body: bytes = b"{}", **properties) -> tuple[Arrived, DeliveredMessage]:
    """As it is here, and as the driver makes it."""
    (_, method), (_, header), *_ = delivered(1, 7, body, **properties)
    return Arrived(CHANNEL, 7, payload(method), payload(header), body), DeliveredMessage(method, header, body, CHANNEL)


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(properties=st.fixed_dictionaries({}, optional=PROPERTIES))
def test_it_says_what_the_drivers_says(properties):
    """Of its method, its properties and its body; and so does what is made of it."""
    ours, theirs = arrived(**properties)
    for name in ("delivery_tag", "redelivered", "routing_key", "exchange", "consumer_tag", "message_count", "body"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.header.body_size == 2
    for name, value in properties.items():
        assert (getattr(ours.header.properties, name) or None) == (value or None)  # the driver writes nothing empty
    mine, its = (messages.delivery("queue", message, None) for message in (ours, theirs))
    assert (mine.id, mine.attempt, mine.crashes) == (its.id, its.attempt, its.crashes)


def test_properties_are_not_read_for_a_first_run():
    """They take longer than all else."""
    ours, _ = arrived(content_type="application/json", delivery_mode=2, message_id="m1")
    delivery = messages.delivery("queue", ours, Held(cast("Intake", None), ours, 7))
    assert (delivery.id, delivery.attempt, delivery.crashes) == ("m1", 1, 0)
    assert not {"header", "delivery"} & ours.__dict__.keys()
    assert delivery.raw.header.properties.content_type == "application/json"
    assert delivery.raw is delivery.raw


@pytest.mark.parametrize("size", range(14, 33))
def test_properties_that_are_cut_short_are_none(size):
    """The server does not look at them, so anybody may write anything; the body is what counts."""
    ours, _ = arrived(content_type="text/plain", message_id="m1")
    whole = ours.__dict__["_properties"]
    assert len(whole) == 28
    cut = Arrived(CHANNEL, 7, ours.__dict__["_method"], whole[:size], b"{}")
    delivery = messages.delivery("queue", cut, None)
    assert isinstance(delivery, Delivery)
    assert (delivery.body, delivery.attempt) == (b"{}", 1)
    assert cut.header.body_size == 2


def test_there_is_nothing_else_on_a_delivery():
    """A name that is none is an error like any other."""
    delivery = messages.delivery("queue", arrived()[0], None)
    with pytest.raises(AttributeError, match="no attribute 'raws'"):
        _ = delivery.raws


def test_method_is_the_drivers():
    """With all that the server told of the delivery."""
    ours, _ = arrived()
    assert isinstance(ours.delivery, spec.Basic.Deliver)
    assert (ours.delivery.consumer_tag, ours.routing_key, ours.redelivered) == ("ours.1", "queue", False)
