"""Messages of RabbitMQ, and what their copies carry."""

from typing import Any, cast

import pytest
from aiormq import spec
from aiormq.abc import AbstractChannel, DeliveredMessage
from pamqp.header import ContentHeader
from support import settled

from microagent.delivery import Delivery, Verdict
from microagent.errors import ConfigurationError
from microagent.tools.amqp import messages


def message(headers: dict[str, Any] | None = None, **properties: Any) -> DeliveredMessage:
    header = ContentHeader(properties=spec.Basic.Properties(headers=headers, **properties))
    return DeliveredMessage(spec.Basic.Deliver("c", 1), header, b"{}", cast("AbstractChannel", None))


def test_message_of_anybody_is_a_first_run():
    """Without headers of ours nothing has failed yet."""
    delivery = messages.delivery("mailer", message(), None)
    assert (delivery.attempt, delivery.crashes, delivery.body) == (1, 0, b"{}")


def test_runs_are_counted_in_headers():
    """Failed ones by us; those that ended with their process by us and, since the last copy, by the server."""
    headers = {messages.FAILED: 2, messages.CRASHES: 3, messages.SERVERS_COUNT: 4}
    delivery = messages.delivery("mailer", message(headers), None)
    assert (delivery.attempt, delivery.crashes) == (3, 7)


@pytest.mark.parametrize("value", ["3", -1, None, 2.5, [1]])
def test_count_that_makes_no_sense_is_none(value):
    """Anybody may write any header."""
    assert messages.delivery("mailer", message({messages.FAILED: value}), None).attempt == 1


def test_copies_count_on():
    """A retried copy has one more failed run; one that is handed back has not."""
    original = message({messages.FAILED: 1, messages.SERVERS_COUNT: 2})
    delivery = messages.delivery("mailer", original, None)
    retried, handed_back = messages.retried(original, delivery), messages.handed_back(original, delivery)
    assert retried.headers == {messages.FAILED: 2, messages.CRASHES: 2}
    assert handed_back.headers == {messages.FAILED: 1, messages.CRASHES: 2}


def test_copy_is_steered_by_nothing_old():
    """What would route the copy elsewhere, end it, or have it refused is left out; the rest stays."""
    steering = {"CC": ["other"], "BCC": ["other"], "x-death": [{}], "x-first-death-queue": "q", "trace": "abc"}
    original = message(steering, expiration="1", user_id="somebody", priority=3, delivery_mode=1, correlation_id="c")
    copy = messages.retried(original, Delivery("mailer", b"{}"))
    assert copy.headers == {"trace": "abc", messages.FAILED: 1, messages.CRASHES: 0}
    assert (copy.expiration, copy.user_id) == (None, None)
    assert (copy.priority, copy.delivery_mode, copy.correlation_id) == (3, messages.PERSISTENT, "c")


def test_dead_letter_is_read_as_it_was_buried():
    """Reason, attempts and time; a reason that no text can hold is no obstacle."""
    delivery = Delivery("mailer", b"{}", attempt=4)
    buried = messages.buried(message(), settled(delivery, Verdict.BURY, reason="bad \ud800"))
    letter = messages.dead_letter("mailer", message(buried.headers))
    assert (letter.reason, letter.attempts) == ("bad ?", 4)
    assert letter.time > 1_700_000_000


def read(properties: messages.Written) -> spec.Basic.Properties:
    """As the driver reads them."""
    header = ContentHeader()
    header.unmarshal(bytes(12) + properties.data)
    return header.properties


def test_message_is_persistent_unless_told_otherwise():
    """Every property can be set, and one that there is not is refused, as is a value that AMQP cannot say."""
    plain = messages.fresh(None)
    said = {name: value for name, value in read(plain) if value}
    assert said == {"content_type": "application/json", "delivery_mode": 2, "message_id": plain.id}
    assert plain.id != messages.fresh(None).id
    told = read(messages.fresh({"delivery_mode": 1, "app_id": "a", "headers": {"b": 1}}))
    assert (told.delivery_mode, told.app_id, told.headers, told.content_type) == (1, "a", {"b": 1}, "application/json")
    for wrong in ({"colour": "red"}, {"priority": 300}, {"headers": {"a": object()}}, {"app_id": "x" * 256}):
        with pytest.raises(ConfigurationError, match="these properties cannot be set"):
            messages.fresh(wrong)


def test_message_has_an_id():
    """That of its sender, or one of its own; the server names by it what it returns."""
    assert messages.fresh({"message_id": "m1"}).id == "m1"
    given = messages.fresh({"priority": 3})
    assert given.id == read(given).message_id != ""
