"""Messages as Kafka carries them."""

from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord
from support import settled

from microagent import ConfigurationError
from microagent.delivery import Verdict
from microagent.tools.kafka import messages
from microagent.tools.kafka.topics import Topics


def record(value: bytes | None = b"{}", headers: Any = ()) -> Any:
    return ConsumerRecord("mailer", 2, 7, 1500, 0, b"k", value, None, 1, 2, headers)


def test_first_run_of_a_message():
    """What nobody has tried is at its first attempt; its id says where it lies."""
    delivery = messages.delivery("mailer", messages.place("mailer", 2), record(b"{1}"), "token", "raw")
    assert (delivery.attempt, delivery.body, delivery.id) == (1, b"{1}", "mailer/2/7")
    assert (delivery.token, delivery.raw) == ("token", "raw")


def test_message_without_a_body():
    """A tombstone is an empty body, which no handler gets."""
    assert messages.delivery("mailer", "topic/0/", record(None), None, None).body == b""


def test_retried_message_remembers_its_runs():
    """The copy counts one run more, is due later, and keeps what its sender said."""
    old = record(headers=(("trace", b"1"), (messages.FAILED, b"1"), (messages.DUE, b"3")))
    delivery = messages.delivery("mailer", "topic/0/", old, None, None)
    assert delivery.attempt == 2
    headers = messages.retried(old, settled(delivery, Verdict.RETRY, delay=5))
    copy = record(headers=tuple(headers))
    assert messages.delivery("mailer", "topic/0/", copy, None, None).attempt == 3
    assert messages.due(copy) > 1_600_000_000
    assert dict(headers)["trace"] == b"1"
    assert len(headers) == len(dict(headers))


def test_dead_letter_is_read_as_it_was_written():
    """Reason, attempts and time travel in headers; the body is what was sent."""
    old = record(b"bad")
    headers = messages.buried(
        old, settled(messages.delivery("q", "topic/0/", old, 0, 0), Verdict.BURY, reason="ü \ud800"), "q"
    )
    letter = messages.dead_letter("mailer", record(b"bad", tuple(headers)))
    assert (letter.queue, letter.body, letter.reason, letter.attempts) == ("mailer", b"bad", "ü ?", 1)
    assert letter.time > 1_600_000_000


def test_dead_letter_of_somebody_else():
    """It has no reason, and the time of its message."""
    letter = messages.dead_letter("mailer", record(headers=((messages.FAILED, b"many"), (messages.REASON, b"\xff"))))
    assert (letter.reason, letter.attempts, letter.time) == ("\ufffd", 0, 1.5)


def test_headers_are_bytes_in_the_end():
    """A text is written as UTF-8, bytes as they are."""
    assert messages.fresh({"a": "ü", "b": b"\xff"}) == [("a", "ü".encode()), ("b", b"\xff")]


def test_key_is_a_text_or_bytes():
    """Anything else is refused."""
    assert messages.key("ü") == "ü".encode()
    number: Any = 5
    with pytest.raises(ConfigurationError, match="a text or bytes, not 5"):
        messages.key(number)


@pytest.mark.parametrize(
    ("delay", "topic"),
    [(0, "q.retry.5s"), (5, "q.retry.5s"), (5.1, "q.retry.60s"), (600, "q.retry.3600s"), (90_000, "q.retry.3600s")],
)
def test_retry_topic_is_the_next_longer_one(delay: float, topic: str):
    """Whoever waits for hours waits with the last."""
    assert Topics("q", "q").retry(delay) == topic


def test_topics_of_a_group():
    """A group of its own has retries of its own, and shares the dead letters."""
    own = Topics("q", "copy")
    assert own.consumed == ["q", "q.copy.retry.5s", "q.copy.retry.60s", "q.copy.retry.3600s"]
    assert own.dead == "q.dead"


@pytest.mark.parametrize("value", [None, b"", b"many", b"-1", b"9" * 5_000, b"\xb2", b"\xff"])
def test_headers_that_make_no_sense_count_nothing(value: bytes | None):
    """Whoever may write to a topic may write what he likes beside the body."""
    forged = record(headers=tuple((name, value) for name in (messages.FAILED, messages.DUE, messages.REASON, "x")))
    delivery = messages.delivery("mailer", "topic/0/", forged, None, None)
    assert (delivery.attempt, messages.due(forged)) == (1, 0)
    assert messages.dead_letter("mailer", forged).attempts == 0
    messages.buried(forged, settled(delivery, Verdict.BURY, reason="no"), "q")


def test_dead_letter_tells_who_gave_it_up():
    """So that it can be sent again to that group alone; what no topic can be named after is nobody."""
    old = record(headers=((messages.GROUP, b"former"),))
    headers = messages.buried(old, settled(messages.delivery("q", "topic/0/", old, 0, 0), Verdict.BURY), "copy")
    assert messages.group(record(headers=tuple(headers))) == "copy"
    for value in (b"", b"a b", b"\xff", b"x" * 201):
        assert messages.group(record(headers=((messages.GROUP, value),))) is None
    assert messages.group(record()) is None


def test_resent_message_is_as_it_was_sent():
    """With what its sender said beside it, and nothing of ours."""
    old = record(headers=(("trace", b"1"), (messages.FAILED, b"1"), (messages.DUE, b"3")))
    buried = messages.buried(
        old, settled(messages.delivery("q", "topic/0/", old, 0, 0), Verdict.BURY, reason="no"), "q"
    )
    assert messages.resent(record(headers=tuple(buried))) == [("trace", b"1")]


def test_headers_of_a_record():
    """The last of each name, as texts; what is ours or null is not shown."""
    theirs = (("a", b"1"), ("a", "ü".encode()), ("b", b"\xff"), ("c", None))
    found = record(headers=(*theirs, (messages.FAILED, b"1"), (messages.GROUP, b"g")))
    held = None, None, found
    assert messages.delivery("mailer", "topic/0/", found, held, None).headers == {"a": "ü", "b": "\ufffd"}
